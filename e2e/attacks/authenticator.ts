import assert from 'node:assert/strict'
import { Secret, TOTP } from 'otpauth'
import { loginForm } from '../client.ts'
import type { Page } from './browser.ts'
import { noServerError, secretsNowhere, upstreamSilent } from './oracles.ts'
import { ORIGINS, TOTP_SECRETS } from './rig-config.ts'
import { startRig, type Rig, type RigOptions, type SignedIn } from './rig.ts'

export const LOGIN = `${ORIGINS.login}/login/employees`
const LEVEL_TWO = `${ORIGINS.app}/level2/x`
const PERIOD_MS = 30_000
export const SECRET = /<code class="secret">([^<]+)</

/** The codes of an attack are those of one step: time stands still in the middle of the next. */
let now = 0

export function code(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now + steps * PERIOD_MS })
}

/** Another process on the same store, at the same time. */
export async function secondNode(rig: Rig): Promise<Rig> {
  const second = await rig.second()
  await second.holdClock(now)
  return second
}

export async function stepUpPage({ client }: SignedIn): Promise<Page> {
  return client.call((await client.call(LEVEL_TWO)).location ?? '')
}

export function send({ client }: SignedIn, page: Page, digits: string, more: Readonly<Record<string, string>> = {}) {
  const { action, form } = loginForm({ ...page, headers: {} }, digits, '')
  return client.call(action, { form: { ...form, ...more } })
}

/** Sets up the app of who has none yet, on the way to what needs it; the secret. */
export async function setUpApp(rig: Rig, person: SignedIn): Promise<string> {
  const page = await stepUpPage(person)
  const secret = (SECRET.exec(page.body)?.[1] ?? '').replaceAll(' ', '')
  rig.canaries.add(secret)
  rig.tally.sent++
  assert.equal((await send(person, page, code(secret))).status, 303)
  return secret
}

/** What the account page's own forms send about the one factor that it lists. */
export async function factorForm({ client }: SignedIn): Promise<Readonly<Record<string, string>>> {
  const { body } = await client.call(`${ORIGINS.login}/account`)
  const [, factor] = /\/account\/factor\?[^"]*factor=([\w-]+)/.exec(body) ?? []
  assert.ok(factor, 'the account page lists the factor')
  return { realm: '/employees', factor }
}

/** Whether the code was taken: on the way back there is a code for the agent. */
export async function takes(rig: Rig, person: SignedIn, digits: string): Promise<boolean> {
  rig.tally.sent++
  const answer = await send(person, await stepUpPage(person), digits)
  noServerError(rig, answer, 'a code')
  if (answer.status !== 303) return false
  assert.match(answer.location ?? '', /code=/)
  return true
}

export async function notRaised(rig: Rig, { client }: SignedIn, about: string): Promise<void> {
  const mark = rig.mark()
  const script = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
  assert.equal((await client.call(LEVEL_TWO, { headers: script })).status, 401, about)
  upstreamSilent(rig, mark, about)
}

/** Attacks people of this rig, or of another; codes and counts are each person's own. */
export async function withFactors(
  outer: Rig,
  attack: (rig: Rig) => Promise<void>,
  options?: RigOptions,
): Promise<void> {
  const rig = options === undefined ? outer.anew() : await startRig(options)
  try {
    for (const secret of Object.values(TOTP_SECRETS)) rig.canaries.add(secret)
    now = (Math.floor(Date.now() / PERIOD_MS) + 1.5) * PERIOD_MS
    await rig.holdClock(now)
    await attack(rig)
    await rig.logged()
    secretsNowhere(rig, 'second factors')
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    if (options === undefined) {
      await rig.shiftClock(0)
      await rig.holdClock('not')
    } else await rig.stop()
  }
}
