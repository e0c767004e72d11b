import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { EMPLOYEES } from '../../../authn/login.fixture.ts'
import type { Callback } from '../../../authn/step.ts'
import { readAnswers } from './answers.ts'
import { AT, cookieOf, createClient, filled, password, stepOf, type Wire } from './authenticate.fixture.ts'
import { renderQuota, renderStep } from './callbacks.ts'

const speech = {
  tag: 'en',
  say: (text: string, parameters: Readonly<Record<string, string>> = {}) =>
    [text, ...Object.values(parameters)].join(' '),
  ago: String,
}

function rendered(callbacks: readonly Callback[], more: object = {}) {
  const destination = { goto: undefined, handshake: undefined }
  const about = {
    kind: 'ask',
    authId: 'x',
    realm: EMPLOYEES,
    stage: 'own',
    enrols: false,
    others: [],
    destination,
  } as const
  const rest = { username: undefined, failure: undefined, retryAfterSeconds: undefined }
  return renderStep({ ...about, ...rest, callbacks, ...more }, speech)
}

/** Output of the callback, by name. */
function outputs(step: Pick<Wire, 'callbacks'>, index: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(step.callbacks[index]?.output.map(({ name, value }) => [name, value]) ?? [])
}

function answers(step: ReturnType<typeof rendered>, values: Readonly<Record<string, unknown>>) {
  return readAnswers((filled(step as never, values) as Wire).callbacks, step.expected)
}

suite('callbacks', () => {
  test('what asks nothing is told, and inputs are numbered by their place among all', () => {
    const step = rendered([
      { type: 'TextOutputCallback', message: 'hello', parameters: { a: 'you' } },
      { type: 'TextOutputCallback', message: 'no', isFailure: true },
      { type: 'RecoveryCodesCallback', codes: ['AAAA', 'BBBB'] },
      { type: 'NameCallback', prompt: 'code', oneTimeCode: true },
    ])
    assert.deepEqual(outputs(step, 0), { message: 'hello you', messageType: '0' })
    assert.deepEqual(outputs(step, 1), { message: 'no', messageType: '2' })
    assert.deepEqual(outputs(step, 2), { message: 'enrol.recovery.title\nAAAA\nBBBB', messageType: '0' })
    assert.deepEqual(
      step.callbacks.map(({ input }) => input?.[0]?.name),
      [undefined, undefined, undefined, 'IDToken4'],
    )
    assert.deepEqual(answers(step, { IDToken4: '1' }), { kind: 'read', answers: ['1'], choose: undefined })
  })

  test('a secret for an app is where OpenAM’s SDK looks for it, and what comes back with it counts as nothing', () => {
    const uri = 'otpauth://totp/x'
    const step = rendered([
      { type: 'NameCallback', prompt: 'code', oneTimeCode: true },
      { type: 'KeyUriCallback', uri, secret: 'JBSWY3DP' },
    ])
    assert.deepEqual(outputs(step, 1), { message: 'enrol.secret JBSWY3DP', messageType: '0' })
    assert.deepEqual(outputs(step, 2), { value: uri, id: 'mfaDeviceRegistration' })
    assert.deepEqual(answers(step, { IDToken1: '123456' }), { kind: 'read', answers: ['123456'], choose: undefined })
  })

  test('boxes, choices and what script fills in come back in their own kinds', () => {
    const step = rendered([
      { type: 'BooleanAttributeInputCallback', name: 'remember', prompt: 'box' },
      { type: 'ChoiceCallback', prompt: 'which', choices: ['a', 'b'] },
      { type: 'HiddenValueCallback', id: 'outcome' },
      { type: 'TextInputCallback', prompt: 'name', defaultText: 'mine' },
    ])
    assert.deepEqual(outputs(step, 1), { prompt: 'which', choices: ['a', 'b'], defaultChoice: 0 })
    assert.deepEqual(outputs(step, 2), { value: '', id: 'outcome' })
    assert.deepEqual(outputs(step, 3), { prompt: 'name', defaultText: 'mine' })
    const { value, name } = outputs(step, 0)
    assert.deepEqual([name, value], ['remember', false])
    const untouched = { kind: 'read', answers: ['false', '0', '', ''], choose: undefined }
    assert.deepEqual(answers(step, {}), untouched)
    const given = { IDToken1: true, IDToken2: 1, IDToken3: '{}', IDToken4: 'x' }
    assert.deepEqual(answers(step, given), { kind: 'read', answers: ['true', '1', '{}', 'x'], choose: undefined })
    const bad = { IDToken1: 'yes', IDToken2: 2, IDToken3: 7, IDToken4: false }
    for (const [input, wrong] of Object.entries(bad)) {
      const answer = answers(step, { ...given, [input]: wrong })
      assert.ok(answer.kind === 'refused' && answer.message.startsWith(`${input}: the value has to be`), input)
    }
    for (const index of ['-1', 1.5, 'toString', '1e0', '']) {
      const answer = answers(step, { ...given, IDToken2: index })
      assert.equal(answer.kind, 'refused', String(index))
    }
  })

  test('other ways are options of one callback, which stands last', () => {
    const asked: readonly Callback[] = [{ type: 'NameCallback', prompt: 'code' }, { type: 'ResendCallback' }]
    const step = rendered(asked, { others: ['totp', 'own-app'], optional: true, failure: 'not-sent' })
    assert.deepEqual(
      step.callbacks.map(({ type }) => type),
      ['NameCallback', 'TextOutputCallback', 'ConfirmationCallback'],
    )
    assert.deepEqual(outputs(step, 1), { message: 'failure.not-sent', messageType: '1' })
    assert.deepEqual(outputs(step, 2)['options'], [
      'login.next',
      'login.resend',
      'login.use-other module.totp',
      'login.use-other module.own-app',
      'enrol.later',
    ])
    const chosen = (index: unknown) => {
      const answer = answers(step, { IDToken1: 'x', IDToken3: index })
      return answer.kind === 'read' ? answer.choose : answer.kind
    }
    assert.deepEqual([0, 1, 2, '3', 4, 5].map(chosen), [undefined, 'own', 'totp', 'own-app', '-', 'refused'])
  })
})

test('of very many sessions the oldest can be ended, or no client could send the step back', () => {
  const session = { sid: '0001.AAAAAAAAAAAAAAAA', origin: { address: '192.0.2.1' }, createdAt: 1, lastSeenAt: 2 }
  const running = Array.from({ length: 1_000 }, (_, index) => ({ ...session, createdAt: index }))
  const { callbacks } = renderQuota({ running } as unknown as Parameters<typeof renderQuota>[0], speech)
  const choices = outputs({ callbacks }, 0)['choices'] as string[]
  assert.equal(choices.length, 50)
  assert.match(choices[0] ?? '', /^session\.since 0, session\.used 2, 192\.0\.2\.1$/)
  assert.ok(JSON.stringify(callbacks).length < 8_000)
})

suite('steps of real logins', () => {
  const authentication = {
    modules: { password: { type: 'password' }, totp: { type: 'totp' }, recovery: { type: 'recovery' } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      strong: [
        { module: 'password', criteria: 'REQUISITE' },
        { module: 'totp', or: ['recovery'], criteria: 'REQUIRED' },
      ],
    },
  }
  const option = (step: Wire, label: string) => {
    const at = step.callbacks.findIndex(({ type }) => type === 'ConfirmationCallback')
    return {
      [`IDToken${at + 1}`]: (outputs(step, at)['options'] as string[]).findIndex((each) => each.includes(label)),
    }
  }

  test('an app is set up, a typing mistake ends nothing, recovery codes are offered and put off', async (t) => {
    const client = await createClient(t, { authentication })
    const first = await client.begin('?authIndexType=level&authIndexValue=2')
    let step = stepOf(await client.post(AT, { body: password(first, 'alice') }))
    const hidden = step.callbacks.findIndex(({ type }) => type === 'HiddenValueCallback')
    const uri = new URL(String(outputs(step, hidden)['value']))
    const secret = Secret.fromBase32(uri.searchParams.get('secret') ?? '')
    const at = step.callbacks.findIndex(({ type }) => type === 'NameCallback')
    const typed = (code: string) => filled(step, { [`IDToken${at + 1}`]: code })
    step = stepOf(await client.post(AT, { body: typed('000000') }))
    const code = new TOTP({ secret }).generate({ timestamp: client.time.now })
    const offer = stepOf(await client.post(AT, { body: typed(code) }))
    assert.match(JSON.stringify(offer.callbacks), /enrol\.recovery\.title/)
    const later = await client.post(AT, { body: filled(offer, option(offer, 'enrol.later')) })
    assert.ok(cookieOf(later, 'SSOTokenID'), JSON.stringify(later.body))
  })

  test('who has as many sessions as they may ends one of them', async (t) => {
    const client = await createClient(t, { quota: { limit: 1, action: 'DENY_ACCESS' } })
    const login = async () => client.post(AT, { body: password(await client.begin(), 'alice') })
    const token = cookieOf(await login(), 'SSOTokenID')
    const full = stepOf(await login())
    assert.deepEqual([full.stage, full.header], ['quota', 'en:quota.title 1'])
    assert.equal((outputs(full, 0)['choices'] as unknown[]).length, 1)
    assert.equal((await client.post(AT, { body: filled(full, { IDToken1: 1 }) })).status, 400)
    const next = cookieOf(await client.post(AT, { body: filled(full, { IDToken1: 0 }) }), 'SSOTokenID')
    assert.ok(next !== undefined && next !== token)
  })
})
