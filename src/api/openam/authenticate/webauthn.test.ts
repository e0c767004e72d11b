import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { EMPLOYEES, LOGIN_ORIGIN } from '../../../authn/login.fixture.ts'
import { createAuthenticator, type Options } from '../../../authn/modules/webauthn/authenticator.fixture.ts'
import { passkeys } from '../../../authn/modules/webauthn/webauthn.fixture.ts'
import type { SessionToken } from '../../../session/session.ts'
import { AT, cookieOf, createClient, filled, password, stepOf, type Wire } from './authenticate.fixture.ts'

const STRONG = '?authIndexType=level&authIndexValue=2'

function outputOf(step: Wire, type: string, name: string): unknown {
  return step.callbacks.find((each) => each.type === type)?.output.find((each) => each.name === name)?.value
}

function dataOf(step: Wire): Readonly<Record<string, unknown>> {
  return outputOf(step, 'MetadataCallback', 'data') as Readonly<Record<string, unknown>>
}

/** As the SDK reads bytes: `atob`, and one byte a character. */
function bytes(sent: unknown): string {
  const text = String(sent)
  assert.match(text, /^[A-Za-z0-9+/]+=*$/, 'atob reads nothing else')
  return Buffer.from(text, 'base64').toString('base64url')
}

/** `FRWebAuthn.createRegistrationPublicKey` of @forgerock/javascript-sdk. */
function registrationOptions(step: Wire): Options {
  const { challenge, relyingPartyId, userId, userName } = dataOf(step)
  const rp = { id: String(relyingPartyId).replace(/id: "(.+)",/, '$1'), name: '' }
  const id = Buffer.from(Int8Array.from(String(userId), (char) => char.charCodeAt(0)).buffer)
  return { challenge: bytes(challenge), rp, user: { id: id.toString('base64url'), name: String(userName) } }
}

function authenticationOptions(step: Wire): Options {
  const { challenge, relyingPartyId } = dataOf(step)
  return { challenge: bytes(challenge), rpId: String(relyingPartyId).replace(/rpId: "(.+)",/, '$1') }
}

/** `FRWebAuthn.getRegistrationOutcome` and `getAuthenticationOutcome`, of what an authenticator has answered. */
function outcome(answer: string, name?: string): string {
  const { id, response } = JSON.parse(answer) as { id: string; response: Readonly<Record<string, string | null>> }
  const text = (field: string): string => Buffer.from(response[field] ?? '', 'base64url').toString()
  const numbers = (field: string): string => new Int8Array(Buffer.from(response[field] ?? '', 'base64url')).toString()
  const made =
    response['attestationObject'] === undefined
      ? [
          numbers('authenticatorData'),
          numbers('signature'),
          id,
          ...(response['userHandle'] ? [text('userHandle')] : []),
        ]
      : [numbers('attestationObject'), id, ...(name === undefined ? [] : [name])]
  return [text('clientDataJSON'), ...made].join('::')
}

function inputOf(step: Wire, type: string): string {
  return step.callbacks.find((each) => each.type === type)?.input?.[0]?.name ?? ''
}

suite('keys, as OpenAM’s SDK speaks of them', () => {
  test('one is set up, named, and proves who it is: as a second factor, and by itself', async (t) => {
    const client = await createClient(t, { authentication: passkeys() })
    const key = createAuthenticator({ origin: LOGIN_ORIGIN })
    const prove = (step: Wire, made: string) =>
      client.post(AT, { body: filled(step, { [inputOf(step, 'HiddenValueCallback')]: made }) })

    const first = await client.begin(STRONG)
    const setUp = stepOf(await client.post(AT, { body: password(first, 'alice') }))
    assert.equal(outputOf(setUp, 'HiddenValueCallback', 'id'), 'webAuthnOutcome')
    assert.ok(Array.isArray(dataOf(setUp)['pubKeyCredParams']), 'a registration')
    const { id: handle } = registrationOptions(setUp)['user'] as { id: string }
    assert.match(Buffer.from(handle, 'base64url').toString('latin1'), /^[\w-]{43}$/, 'text')
    const enrolled = await prove(setUp, outcome(key.create(registrationOptions(setUp)), 'My phone'))
    assert.equal(enrolled.status, 200, JSON.stringify(enrolled.body))
    const session = await client.sessions.resolve((cookieOf(enrolled, 'SSOTokenID') ?? '') as SessionToken, 'login')
    const factors = await client.realms.get(EMPLOYEES)?.factors.list(session?.userId ?? '')
    assert.deepEqual(
      factors?.map(({ name }) => name),
      ['My phone'],
    )

    const again = stepOf(await client.post(AT, { body: password(await client.begin(STRONG), 'alice') }))
    const [allowed] = dataOf(again)['_allowCredentials'] as readonly { readonly id: readonly number[] }[]
    assert.equal(Buffer.from(Int8Array.from(allowed?.id ?? []).buffer).toString('base64url'), key.credentialId)
    assert.equal((await prove(again, outcome(key.get(authenticationOptions(again))))).status, 200)

    const alone = await client.begin()
    assert.deepEqual(alone.callbacks.map(({ type }) => type).slice(0, 3), [
      'NameCallback',
      'PasswordCallback',
      'HiddenValueCallback',
    ])
    const passed = await prove(alone, outcome(key.get(authenticationOptions(alone))))
    assert.equal(passed.status, 200, JSON.stringify(passed.body))
  })

  test('what the SDK says when nothing came of it, and what is not of this ceremony, is no proof', async (t) => {
    const client = await createClient(t, { authentication: passkeys() })
    const key = createAuthenticator({ origin: LOGIN_ORIGIN })
    const elsewhere = createAuthenticator({ origin: 'https://evil.example' })
    const prove = async (step: Wire, made: string) =>
      (await client.post(AT, { body: filled(step, { [inputOf(step, 'HiddenValueCallback')]: made }) })).status
    const setUp = async () => stepOf(await client.post(AT, { body: password(await client.begin(STRONG), 'alice') }))
    const page = await setUp()
    assert.equal(await prove(page, outcome(key.create(registrationOptions(page)))), 200)
    const other = authenticationOptions(await client.begin())
    const forged = [
      'unsupported',
      'ERROR::NotAllowedError:no',
      outcome(key.get(other)),
      outcome(elsewhere.get(other)),
      `${outcome(key.get(other))}::x`,
      '{}::1::1::x',
    ]
    for (const made of forged) assert.equal(await prove(await client.begin(), made), 401, made.slice(0, 30))
  })
})
