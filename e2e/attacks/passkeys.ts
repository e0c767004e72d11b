import assert from 'node:assert/strict'
import {
  createAuthenticator,
  type Authenticator,
  type AuthenticatorSettings,
  type Deviation,
  type Options,
} from '../../src/authn/modules/webauthn/authenticator.fixture.ts'
import { loginForm } from '../client.ts'
import { LOGIN, stepUpPage } from './authenticator.ts'
import type { Browser, Page } from './browser.ts'
import { atRest, calm, noServerError } from './oracles.ts'
import { ORIGINS, type User } from './rig-config.ts'
import { startRig, TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'

/** Challenges are good for this long. */
export const CHALLENGE_MS = 60_000

/** A realm where a login begins with a password or a passkey, and level 2 takes a key. Guessing costs nothing: all is judged. */
export function passkeyRealm(webauthn: object = {}): string {
  const module = JSON.stringify({ type: 'webauthn', timeout: '1m', ...webauthn })
  return `authentication:
  modules: { password: { type: password }, webauthn: ${module} }
  chains:
    default: [{ module: password, or: [webauthn], criteria: REQUIRED }]
    strong: [{ module: password, criteria: REQUISITE }, { module: webauthn, criteria: REQUIRED }]
  throttle: { freeFailures: 1000, networkFailures: 10000 }
`
}

/** What the page gives the browser's authenticator to go on. */
export function optionsOf({ body }: Page): Options {
  const [, text = ''] = /data-options="([\w-]+)"/.exec(body) ?? []
  assert.notEqual(text, '', 'the page asks for a key')
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Options
}

export const registers = (page: Page): boolean => optionsOf(page)['_action'] === 'webauthn_registration'

/** Sends what an authenticator, or an attacker, made of the page. */
export async function sendKey(
  rig: Rig,
  client: Browser,
  page: Page,
  outcome: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Page> {
  rig.tally.sent++
  const [, field = ''] = /data-outcome="(\w+)"/.exec(page.body) ?? []
  const { action, form } = loginForm({ ...page, headers: {} }, '', '')
  const answer = await client.call(action, { form: { ...form, [field]: outcome, ...more } })
  noServerError(rig, answer, 'a key')
  return answer
}

export function authenticator(settings: Partial<AuthenticatorSettings> = {}): Authenticator {
  return createAuthenticator({ origin: ORIGINS.login, ...settings })
}

/** Whether a login began and ended with this answer. */
function hasSession(client: Browser): boolean {
  return client.cookie(new URL(ORIGINS.login).hostname, TOKEN_COOKIE) !== undefined
}

export type Attempt = (options: Options) => string

/** Whether a login that begins with the key comes to an end. */
export async function signsIn(rig: Rig, attempt: Attempt, login = LOGIN): Promise<boolean> {
  const client = rig.browser()
  const page = await client.call(login)
  const answer = await sendKey(rig, client, page, attempt(optionsOf(page)))
  assert.equal(answer.location !== undefined, hasSession(client), 'who is sent on has a session, and nobody else')
  return hasSession(client)
}

/** None of the deviations signs in, and the key as it is does. */
export async function refusesUse(
  rig: Rig,
  key: Authenticator,
  deviations: Readonly<Record<string, Deviation | Attempt>>,
): Promise<void> {
  for (const [about, deviation] of Object.entries(deviations)) {
    const attempt: Attempt = typeof deviation === 'function' ? deviation : (options) => key.get(options, deviation)
    assert.equal(await signsIn(rig, attempt), false, about)
  }
  assert.ok(await signsIn(rig, (options) => key.get(options)), 'the right answer signs in')
}

/** Someone without a key, on the page that sets one up. */
export interface Enrolling {
  readonly rig: Rig
  readonly person: SignedIn
}

export async function enrolPage({ person }: Enrolling): Promise<Page> {
  const page = await stepUpPage(person)
  assert.ok(registers(page), 'the page sets up a key')
  return page
}

/** Whether what the authenticator makes of the page is set up. */
export async function setsUp(enrolling: Enrolling, attempt: Attempt): Promise<boolean> {
  const { rig, person } = enrolling
  const page = await enrolPage(enrolling)
  const answer = await sendKey(rig, person.client, page, attempt(optionsOf(page)))
  if (answer.location === undefined) assert.ok(registers(answer), 'it may be tried again')
  return answer.location !== undefined
}

/** None of the deviations is set up. */
export async function refusesSetUp(
  enrolling: Enrolling,
  deviations: Readonly<Record<string, Deviation | Attempt>>,
): Promise<void> {
  for (const [about, deviation] of Object.entries(deviations)) {
    const attempt: Attempt =
      typeof deviation === 'function' ? deviation : (options) => authenticator().create(options, deviation)
    assert.equal(await setsUp(enrolling, attempt), false, about)
  }
}

export interface Owner {
  readonly key: Authenticator
  /** User handle of the page that set the key up. */
  readonly handle: string
}

export async function setUpKey(rig: Rig, user: User, settings: Partial<AuthenticatorSettings> = {}): Promise<Owner> {
  const key = authenticator(settings)
  let handle = ''
  const done = await setsUp({ rig, person: await rig.signIn(user) }, (options) => {
    handle = (options['user'] as { id: string }).id
    return key.create(options)
  })
  assert.ok(done, `${user} sets up a key`)
  return { key, handle }
}

type Response = Readonly<Record<string, string>>

function responseOf(answer: object): Response {
  return (answer as { response: Response }).response
}

/** Something else in the response of an answer, as the attacker sends it. */
export function changed(change: (response: Response) => object): (answer: object) => object {
  return (answer) => {
    const response = responseOf(answer)
    return { ...answer, response: { ...response, ...change(response) } }
  }
}

/** A bit of the last byte is another. */
export function flipped(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.readUInt8(bytes.length - 1) ^ 1)])
}

/** Another gateway, whose employees set up keys of known makers only. */
export async function withMakers(
  outer: Rig,
  makers: object,
  attack: (enrolling: Enrolling) => Promise<void>,
): Promise<void> {
  const rig = await startRig({ employees: passkeyRealm({ attestation: 'direct', ...makers }) })
  try {
    await attack({ rig, person: await rig.signIn('mallory') })
    await calm(rig, 'attestation', 1_000)
    await atRest(rig)
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    await rig.stop()
  }
}

const BROWSER_COOKIE = '__Host-gatehouse-login'

/** One answer reaches the other process of the gateway, then both at once, four times each: it counts once. */
export async function onTwoNodes(rig: Rig, key: Authenticator): Promise<void> {
  const second = await rig.second()
  try {
    for (const nodes of [[second], [rig, second, rig, second, rig, second, rig, second]]) {
      const here = rig.browser()
      const page = await here.call(LOGIN)
      const { hostname } = new URL(ORIGINS.login)
      const outcome = key.get(optionsOf(page))
      const ends = await Promise.all(
        nodes.map((node) => {
          const client = node.browser()
          client.setCookie(hostname, BROWSER_COOKIE, here.cookie(hostname, BROWSER_COOKIE) ?? '')
          return sendKey(rig, client, page, outcome)
        }),
      )
      assert.equal(ends.filter(({ location }) => location !== undefined).length, 1, `${nodes.length} times`)
    }
  } finally {
    await second.stop()
  }
}
