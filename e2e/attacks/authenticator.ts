import assert from 'node:assert/strict'
import { Secret, TOTP } from 'otpauth'
import { loginForm } from '../client.ts'
import type { Page } from './browser.ts'
import { noServerError, secretsNowhere, upstreamSilent } from './oracles.ts'
import { ORIGINS, TOTP_SECRETS, TOTP_STEP } from './rig-config.ts'
import { startRig, type Rig, type RigOptions, type SignedIn } from './rig.ts'

export const LOGIN = `${ORIGINS.login}/login/employees`
const LEVEL_TWO = `${ORIGINS.app}/level2/x`
const PERIOD_MS = 30_000
export const SECRET = /<code class="secret">([^<]+)</

export function code(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * PERIOD_MS })
}

/** Far from the end of a period: the codes of a test are those of one step. */
async function steady(): Promise<void> {
  const left = PERIOD_MS - (Date.now() % PERIOD_MS)
  if (left < 12_000) await new Promise((resolve) => setTimeout(resolve, left))
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

/** A rig whose codes and counters no other test has used. */
export async function withFactors(
  outer: Rig,
  attack: (rig: Rig) => Promise<void>,
  options: RigOptions = {},
): Promise<void> {
  const rig = await startRig({ employees: TOTP_STEP, ...options })
  try {
    for (const secret of Object.values(TOTP_SECRETS)) rig.canaries.add(secret)
    await steady()
    await attack(rig)
    await rig.logged()
    secretsNowhere(rig, 'second factors')
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    await rig.stop()
  }
}
