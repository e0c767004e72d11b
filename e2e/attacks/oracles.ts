import assert from 'node:assert/strict'
import type { EpochMs, RealmName } from '../../src/base/brand.ts'
import type { Received } from './echo-upstream.ts'
import { interpretations } from './interpretations.ts'
import { ALLOWED_ORIGINS, ORIGINS, type User } from './rig-config.ts'
import type { Attacker, Rig } from './rig.ts'
import { headersOf, type WireAnswer } from './wire.ts'

/*
 * What must be true after an attack, whatever the attack was. Each oracle counts itself in `rig.tally.checks`, so that a runner
 * that looks at nothing is found out.
 */

/** O1: the application has seen nothing. */
export function upstreamSilent(rig: Rig, mark: number, about: string): void {
  rig.tally.checks++
  assert.deepEqual(
    rig.since(mark).map(({ method, target }) => `${method} ${target}`),
    [],
    `${about}: nothing may reach the application`,
  )
}

/** The rig's policy for `app`, written down a second time. */
export function isAllowed(user: User | undefined, method: string, path: string): boolean {
  if (path.startsWith('/public/')) return true
  if (user === undefined) return false
  if (path === '/admin' || path.startsWith('/admin/')) return user === 'alice'
  if (path.startsWith('/ro/')) return method === 'GET' || method === 'HEAD'
  return /^\/(?:account|account\/.*|account\.css|static\/.*|me|ws|stream|team\/[^/]*\/notes)$/s.test(path)
}

/** O2: whatever reached the application is, in every reading, something that this client may have. */
export function oneForm(rig: Rig, mark: number, { user }: Attacker, about: string): void {
  rig.tally.checks++
  for (const { method, target } of rig.since(mark)) {
    for (const path of interpretations(target)) {
      assert.ok(
        isAllowed(user, method, path),
        `${about}: ${method} ${target} was forwarded for ${user ?? 'nobody'}, and some application reads ${JSON.stringify(path)}`,
      )
    }
  }
}

const SINKS = [
  /<meta[^>]+http-equiv="?refresh"?[^>]+url=([^">]+)/gi,
  /<form[^>]+action="([^"]*)"/gi,
  /<a[^>]+href="([^"]*)"/gi,
  /<base[^>]+href="([^"]*)"/gi,
]

/** O3: no header and no page leads anywhere but to the rig's own origins. */
export function leadsNowhereElse(rig: Rig, answer: WireAnswer, url: string, about: string): void {
  rig.tally.checks++
  const refresh = headersOf(answer, 'refresh').map((text) => text.replace(/^.*url=/i, ''))
  const html = headersOf(answer, 'content-type').some((type) => type.includes('html'))
  const inPage = html ? SINKS.flatMap((sink) => [...answer.body.matchAll(sink)].map(([, target = '']) => target)) : []
  const unescaped = inPage.map((text) =>
    text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"'),
  )
  for (const target of [
    ...headersOf(answer, 'location'),
    ...headersOf(answer, 'content-location'),
    ...refresh,
    ...unescaped,
  ]) {
    const origin = URL.parse(target, url)?.origin ?? `unreadable ${target}`
    assert.ok(ALLOWED_ORIGINS.has(origin), `${about}: leads to ${target}`)
  }
}

/** Names as CGI, WSGI and Java hosts fold them. */
export function fold(name: string): string {
  return name
    .toLowerCase()
    .replace(/[._]/g, '-')
    .replace(/^http-/, '')
}

const ALWAYS = {
  'x-forwarded-host': 'app.example.com',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '443',
} as const

const ANY = Symbol('any value, once')

/** What the application must learn about this client at `app`, and nothing else. */
function expectedHeaders(user: User | undefined, ip: string): Record<string, string | typeof ANY> {
  const common: Record<string, string | typeof ANY> = {
    ...ALWAYS,
    'x-forwarded-for': ip,
    forwarded: `for=${ip};host=app.example.com;proto=https`,
    'x-request-id': ANY,
  }
  if (user === undefined) return common
  const own: Record<string, string | typeof ANY> = {
    'x-remote-user': user,
    'x-user': user,
    'x-auth-level': '1',
    'x-gatehouse-assertion': ANY,
  }
  const alice = { 'x-groups': 'admins,finance', 'x-forwarded-email': 'alice@example.com' }
  return { ...common, ...own, ...(user === 'alice' ? alice : {}) }
}

const JUDGED =
  /^(?:x-remote-.*|remote-.*|x-forwarded-.*|forwarded|x-auth-.*|x-user|x-groups|x-amr|x-gatehouse-.*|x-request-id|x-jwt-assertion|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip|fastly-client-ip|x-cluster-client-ip|x-envoy-.*|x-original-.*|x-rewrite-.*|x-host|x-http-method.*|x-method-override|x-middleware-.*|x-gw-.*|x-ssl-.*|ssl-client-.*|x-client-cert|proxy|via)$/

/** O4: identity and forwarding headers are exactly the computed ones, once each, after folding names. */
export function headersExact(
  rig: Rig,
  { headers }: Received,
  user: User | undefined,
  about: string,
  ip = '127.0.0.1',
): void {
  rig.tally.checks++
  const seen: Record<string, string[]> = {}
  for (const [name, value] of headers) if (JUDGED.test(fold(name))) (seen[fold(name)] ??= []).push(value)
  const expected = expectedHeaders(user, ip)
  const shown = Object.fromEntries(
    Object.entries(seen).map(([name, values]) => [name, expected[name] === ANY && values.length === 1 ? ANY : values]),
  )
  const wanted = Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [name, value === ANY ? ANY : [value]]),
  )
  assert.deepEqual(shown, wanted, about)
}

/** O5: no planted secret in the log, at the application, or in these texts. */
export function secretsNowhere(rig: Rig, about: string, texts: readonly string[] = []): void {
  rig.tally.checks++
  const places = [rig.log(), ...rig.received().map(({ raw }) => raw), ...texts]
  for (const secret of rig.canaries)
    for (const place of places) assert.ok(!place.includes(secret), `${about}: ${secret} is in ${place.slice(0, 200)}`)
}

/** O6: this cookie opens nothing here. */
export async function isDead(
  rig: Rig,
  cookie: string,
  about: string,
  site: keyof typeof ORIGINS = 'app',
): Promise<void> {
  rig.tally.checks++
  const mark = rig.mark()
  const host = new URL(ORIGINS[site]).host
  const answer = await rig.ask(`GET /me HTTP/1.1\r\nHost: ${host}\r\n${cookie}\r\n`)
  assert.equal(answer?.status, site === 'login' ? 404 : 401, `${about}: the credential still works`)
  upstreamSilent(rig, mark, about)
}

const CALM_BLOCK_MS = 200
/** A loop that waits is blocked, too; so is one whose machine has others to serve, for a while. */
const STALLED_MS = 15_000
const CALM_RSS = 420 * 1_024 * 1_024

/** O7: still the same process, loop never blocked for long, memory bounded, nothing dialled that nobody configured. */
export async function calm(rig: Rig, about: string, longestBlockMs = CALM_BLOCK_MS): Promise<void> {
  rig.tally.checks++
  assert.ok(rig.running(), `${about}: the gateway has ended\n${rig.log().slice(-2_000)}`)
  const vitals = await rig.vitals()
  assert.ok(vitals.longestBlockMs < longestBlockMs, `${about}: the loop was blocked for ${vitals.longestBlockMs} ms`)
  const { longestStallMs } = vitals
  assert.ok(longestStallMs < STALLED_MS, `${about}: the loop stood still for ${longestStallMs} ms`)
  assert.ok(vitals.rssBytes < CALM_RSS, `${about}: ${vitals.rssBytes} bytes resident`)
  assert.equal(rig.canaryDialled(), 0, `${about}: somebody dialled the canary`)
}

/** More than this above what a fresh process takes is something that was kept. */
const KEPT_RSS = 160 * 1_024 * 1_024

/**
 * O7 once a whole file has attacked: memory is back near where it was when the process was fresh, and no request, however malformed,
 * was counted as a fault of ours.
 */
export async function atRest(rig: Rig): Promise<void> {
  rig.tally.checks++
  const { rssBytes } = await rig.vitals('collected')
  const grown = rssBytes - rig.fresh.rssBytes
  assert.ok(grown < KEPT_RSS, `${grown} bytes more than at the start`)
  const faults = rig
    .log()
    .split('\n')
    .filter((line) => /"level":"(?:error|fatal)"/.test(line) && !/"code":"GH_(?:UPSTREAM|DIRECTORY)/.test(line))
    .filter((line) => ![...rig.faults].some((text) => line.includes(text)))
  assert.deepEqual(faults, [], 'no fault of ours')
}

/** O7: an input of a client is never a fault of ours. */
export function noServerError(rig: Rig, answer: WireAnswer | undefined, about: string): void {
  rig.tally.checks++
  assert.ok(
    answer === undefined || answer.status < 500 || answer.status === 501 || answer.status === 505,
    `${about}: ${answer?.status}`,
  )
}

/** O8: two answers that nobody can tell apart, but for what is random in each. */
export function twins(rig: Rig, first: WireAnswer, second: WireAnswer, about: string): void {
  rig.tally.checks++
  assert.deepEqual(blurred(second), blurred(first), about)
}

function blurred({ status, headers, body }: WireAnswer): unknown {
  const kept = headers
    .filter(([name]) => !/^(?:date|content-length)$/i.test(name))
    .map(([name, value]): [string, string] => [name, value.replace(/=[A-Za-z0-9_.-]{40,}/g, '=…')])
  const text = body
    .replace(/(name="authId"[^>]*value=")[^"]*/, '$1…')
    .replace(/[A-Za-z0-9_-]{10}-[0-9a-z]+/g, '…')
    .replace(/(name="IDToken1"[^>]*value=")[^"]*/, '$1…')
  return { status, headers: kept, text }
}

/** O9: what the policies explain for this target is what the gateway did. */
export type ExplainAgrees = (user: User, method: string, target: string, forwarded: boolean) => void

export async function openExplain(rig: Rig): Promise<ExplainAgrees> {
  // Loaded where it is used: most files have no need of it.
  const { loadConfig } = await import('../../src/config/load.ts')
  const { compilePolicies } = await import('../../src/policy/compile.ts')
  const { snapshot } = await loadConfig(rig.root)
  const realm = snapshot?.realms.get('/employees' as RealmName)
  assert.ok(realm)
  const pdp = compilePolicies(realm.policies)
  return (user, method, target, forwarded) => {
    rig.tally.checks++
    const [path = '', query] = target.split(/\?(.*)/s, 2)
    const groups = new Set(realm.users.find(({ username }) => username === user)?.groups ?? [])
    const { decision } = pdp.explain({
      policySet: 'iPlanetAMWebAgentService',
      resource: { scheme: 'https', host: 'app.example.com', port: 443, path, query },
      action: method === 'HEAD' ? 'GET' : method,
      session: {
        realm: realm.name,
        userId: user,
        username: user,
        authLevel: 1,
        authModules: [],
        authInstant: 0 as EpochMs,
        createdAt: 0 as EpochMs,
        properties: {},
      },
      facts: { groups, attributes: {} },
      clientIp: '127.0.0.1',
      now: Date.now() as EpochMs,
    })
    assert.equal(decision.allowed, forwarded, `explain of ${method} ${target} for ${user} and what was done differ`)
  }
}
