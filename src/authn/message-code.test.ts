import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Message, Messenger } from '../identity/mail/messenger.ts'
import type { Session } from '../session/session.ts'
import { asked, context, createBench, DESTINATION, done, EMPLOYEES, type Bench } from './login.fixture.ts'
import type { Step } from './step.ts'

const MINUTE = 60_000

function authentication(type: 'email' | 'sms', criteria: string): Readonly<Record<string, unknown>> {
  return {
    modules: { password: { type: 'password' }, code2: { type } },
    chains: {
      default: [
        { module: 'password', criteria },
        { module: 'code2', criteria: 'REQUIRED' },
      ],
    },
  }
}

interface Outbox extends Messenger {
  readonly sent: Message[]
  probes: number
  works: boolean
}

function createOutbox(): Outbox {
  const outbox: Outbox = {
    sent: [],
    probes: 0,
    works: true,
    send(message) {
      if (outbox.works) outbox.sent.push(message)
      return Promise.resolve(outbox.works)
    },
    probe() {
      outbox.probes++
      return Promise.resolve(outbox.works)
    },
    close: () => Promise.resolve(),
  }
  return outbox
}

interface Scene extends Bench {
  readonly outbox: Outbox
  readonly page: (username?: string, password?: string) => Promise<Step>
  readonly answer: (step: Step, ...answers: string[]) => Promise<Step>
  readonly resend: (step: Step) => Promise<Step>
  readonly lastCode: () => string
}

async function scene(
  t: TestContext,
  { type = 'email', criteria = 'REQUISITE' }: { type?: 'email' | 'sms'; criteria?: string } = {},
): Promise<Scene> {
  const outbox = createOutbox()
  const messengers = type === 'email' ? { mail: outbox } : { sms: outbox }
  const bench = await createBench(t, { authentication: authentication(type, criteria), messengers })
  const about = (language = 'de'): ReturnType<typeof context> => {
    const { origin, ...rest } = context(undefined as Session | undefined)
    return { ...rest, origin: { ...origin, language } }
  }
  const submit = (step: Step, answers: readonly string[], choose?: string): Promise<Step> =>
    bench.authn.submit({ realm: EMPLOYEES, authId: asked(step).authId, answers, choose }, about())
  const page: Scene['page'] = async (username = 'alice', password = username) => {
    const demand = { level: undefined, force: false }
    const first = await bench.authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, about())
    return submit(first, [username, password])
  }
  return {
    ...bench,
    outbox,
    page,
    answer: (step, ...answers) => submit(step, answers),
    resend: (step) => submit(step, [], 'code2'),
    lastCode: () => /\b\d{8}\b/.exec(outbox.sent.at(-1)?.text ?? '')?.[0] ?? 'no code was sent',
  }
}

suite('a code by mail', () => {
  test('goes to the address of the directory, in the language of the page, and lets in once', async (t) => {
    const { page, answer, outbox, lastCode } = await scene(t)
    const step = asked(await page())
    assert.deepEqual(step.callbacks[0], { type: 'NameCallback', prompt: 'code', oneTimeCode: true })
    const [mail] = outbox.sent
    assert.equal(mail?.to, 'alice@acme.example')
    assert.match(mail.subject, /^Ihr Code für Acme$/)
    assert.doesNotMatch(`${mail.text}${mail.html}`, /https?:|href/, 'no link signs anybody in')
    assert.ok(!step.authId.includes(lastCode()) && !mail.subject.includes(lastCode()))
    const code = lastCode()
    assert.equal(done(await answer(step, ` ${code.slice(0, 4)} ${code.slice(4)} `)).issued.session.authLevel, 2)
    assert.notEqual((await answer(step, code)).kind, 'done')
  })

  test('is of no use in another login, although it is of the same person', async (t) => {
    const { page, answer, lastCode } = await scene(t)
    const first = await page()
    const code = lastCode()
    const second = await page()
    assert.notEqual(lastCode(), code)
    assert.equal(asked(await answer(second, code)).failure, 'wrong-code')
    assert.equal((await answer(first, code)).kind, 'done')
  })

  test('is guessed five times at most, and dies with its five minutes', async (t) => {
    const { page, answer, resend, lastCode, time } = await scene(t)
    let step = await page()
    const code = lastCode()
    for (let i = 0; i < 5; i++) {
      step = await answer(step, code === '00000000' ? '00000001' : '00000000')
      assert.equal(asked(step).failure, 'wrong-code')
    }
    time.now += 2 * MINUTE
    step = await answer(step, code)
    assert.equal(asked(step).failure, 'wrong-code', 'the right one comes too late')
    time.now += MINUTE
    step = await resend(step)
    assert.notEqual(lastCode(), code)
    assert.equal((await answer(step, lastCode())).kind, 'done')
  })

  test('showing the page again sends nothing; asking for a new one does, and the old one is dead', async (t) => {
    const { page, answer, resend, outbox, lastCode } = await scene(t)
    const step = await page()
    const old = lastCode()
    const again = await answer(step, '1')
    assert.equal(outbox.sent.length, 1)
    const fresh = await resend(again)
    assert.equal(outbox.sent.length, 2)
    const wrong = await answer(fresh, old)
    assert.equal(asked(wrong).failure, 'wrong-code')
    assert.equal((await answer(wrong, lastCode())).kind, 'done')
  })

  test('five are sent in a quarter of an hour, whoever asks', async (t) => {
    const { page, outbox, time } = await scene(t)
    for (let i = 0; i < 5; i++) assert.equal(asked(await page()).failure, undefined)
    const step = asked(await page())
    assert.equal(step.failure, 'sent-too-often')
    assert.ok(
      step.callbacks.every((each) => each.type !== 'TextOutputCallback'),
      'nothing is said to have been sent',
    )
    assert.equal(outbox.sent.length, 5)
    time.now += 15 * MINUTE
    assert.equal(asked(await page()).failure, undefined)
  })

  test('a stranger without the password keeps no code from the owner', async (t) => {
    const { authn, outbox } = await scene(t, { criteria: 'REQUIRED' })
    const page = async (password: string, clientIp: string): Promise<Step> => {
      const beside = { ...context(), origin: { requestId: 'r-1', clientIp } }
      const start = { realm: EMPLOYEES, demand: { level: undefined, force: false }, destination: DESTINATION }
      const { authId } = asked(await authn.begin(start, beside))
      return authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', password] }, beside)
    }
    for (let i = 0; i < 5; i++) assert.equal(asked(await page('wrong', '203.0.113.9')).failure, undefined)
    assert.equal(asked(await page('wrong', '203.0.113.9')).failure, 'sent-too-often')
    assert.equal(outbox.sent.length, 0)
    assert.equal(asked(await page('alice', '192.0.2.1')).failure, undefined)
    assert.equal(outbox.sent.length, 1)
  })

  test('from many networks no more is sent, and that shows to nobody', async (t) => {
    const { authn, outbox } = await scene(t, { criteria: 'REQUIRED' })
    const page = async (password: string, clientIp: string) => {
      const beside = { ...context(), origin: { requestId: 'r-1', clientIp } }
      const start = { realm: EMPLOYEES, demand: { level: undefined, force: false }, destination: DESTINATION }
      const { authId } = asked(await authn.begin(start, beside))
      const { failure, callbacks } = asked(
        await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', password] }, beside),
      )
      return { failure, callbacks }
    }
    for (let i = 0; i < 5; i++) await page('alice', `192.0.2.${i}`)
    const [right, wrong] = [await page('alice', '198.51.100.1'), await page('wrong', '198.51.100.2')]
    assert.equal(outbox.sent.length, 5)
    assert.deepEqual(right, wrong)
  })

  test('what could not be sent is said, lets nobody in, and can be asked for again', async (t) => {
    const { page, answer, resend, outbox, lastCode } = await scene(t)
    outbox.works = false
    const step = asked(await page())
    assert.equal(step.failure, 'not-sent')
    assert.ok(
      step.callbacks.every((each) => each.type !== 'TextOutputCallback'),
      'nothing is said to have been sent',
    )
    const guess = await answer(step, '')
    assert.equal(asked(guess).failure, 'wrong-code')
    outbox.works = true
    assert.equal((await answer(await resend(guess), lastCode())).kind, 'done')
  })

  for (const works of [true, false]) {
    test(`a wrong password meets the same page, and no mail: the server ${works ? 'works' : 'is down'}`, async (t) => {
      const { page, answer, resend, outbox } = await scene(t, { criteria: 'REQUIRED' })
      outbox.works = works
      const plain = (step: Step): object => ({ ...asked(step), authId: '', username: '' })
      for (const follow of [undefined, answer, resend]) {
        const right = await page()
        const wrong = await page('alice', 'wrong')
        const ends = [await (follow?.(right, '00000000') ?? right), await (follow?.(wrong, '00000000') ?? wrong)]
        assert.deepEqual(plain(ends[0] ?? right), plain(ends[1] ?? wrong))
      }
      assert.ok(outbox.probes > 0, 'the server is asked for them, too')
    })
  }

  test('where the page must not tell, nothing is said of what reaches one person alone, and no code is good', async (t) => {
    const { page, answer, outbox } = await scene(t, { type: 'sms', criteria: 'REQUIRED' })
    let code = ''
    outbox.send = ({ text }) => {
      code = /\d{8}/.exec(text)?.[0] ?? ''
      return Promise.resolve(false)
    }
    const plain = (step: Step): object => ({ ...asked(step), authId: '', username: '' })
    const right = await page()
    assert.deepEqual(plain(right), plain(await page('alice', 'wrong')))
    assert.match(code, /^\d{8}$/)
    assert.equal(asked(await answer(right, code)).failure, 'bad-credentials')
  })

  test('a user without an address has no such factor', async (t) => {
    const { page, outbox } = await scene(t)
    assert.notEqual((await page('bob')).kind, 'done')
    assert.equal(outbox.sent.length, 0)
  })

  test('a realm that wants it sent with nothing is refused', async (t) => {
    await assert.rejects(
      createBench(t, { authentication: authentication('email', 'REQUISITE') }),
      (error: { detail?: string }) => /module code2 needs `mail`/.test(error.detail ?? ''),
    )
  })
})

test('a code by text message goes to the telephone, and its text is one line', async (t) => {
  const { page, answer, outbox, lastCode } = await scene(t, { type: 'sms' })
  const step = await page()
  assert.equal(outbox.sent[0]?.to, '+41 79 123 45 67')
  assert.match(outbox.sent[0].text, /^\d{8} ist Ihr Code für Acme\. [^\n]*$/)
  assert.equal((await answer(step, lastCode())).kind, 'done')
})
