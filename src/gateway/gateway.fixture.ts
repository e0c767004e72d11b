import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { TestContext } from 'node:test'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import { GenerationHolder } from '../base/generation.ts'
import { fault } from '../errors.ts'
import { createClientResolver } from '../http/forwarded.ts'
import { openListener } from '../http/listener.ts'
import type { Facts } from '../policy/decision.ts'
import { compilePolicies } from '../policy/compile.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import type { HandshakeGrant, Redemption, Session, SessionToken } from '../session/session.ts'
import type { Audience } from '../store/store.ts'
import type { AccessEntry } from '../telemetry/access-log.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import { agentProfileSchema, isSite, type SiteConfig } from './agent-profile.schema.ts'
import type { ErrorPages } from '../http/refusal-page.ts'
import type { GatewayGeneration } from './generation.ts'
import { createForwardAuth, type ForwardAuth } from './forward-auth/forward-auth.ts'
import { compileForwardAuth } from './forward-auth/rules.ts'
import { createGateway, type Gateway, type GatewayDeps } from './handle.ts'
import { formKeeping, type FormKeeping } from './kept-forms.fixture.ts'
import { createHostTable } from './routes.ts'
import { compileSite, type Site } from './site.ts'
import { FakeTransactions } from './transactions.fixture.ts'
import { createUpstream } from './upstream/create-upstream.ts'

export const NOW = 1_800_000_000_000 as EpochMs
export const EMPLOYEES = '/employees' as RealmName
export const LOGIN = 'http://login.test'

/** 49 characters in the form of a token; `n` tells them apart. */
export function tokenOf(n: number): SessionToken {
  return `${String(n).padStart(42, 'T')}A*AAAA*` as SessionToken
}

export function sessionOf(sid: string, changes: Partial<Session> = {}): Session {
  return {
    sid,
    bucket: 1,
    realm: EMPLOYEES,
    userId: 'alice',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: NOW,
    createdAt: NOW,
    lastSeenAt: NOW,
    idleExpiresAt: (NOW + 1_800_000) as EpochMs,
    maxExpiresAt: (NOW + 7_200_000) as EpochMs,
    origin: { address: '', device: '' },
    properties: {},
    ...changes,
  }
}

export function factsOf(...groups: readonly string[]): Facts {
  return { groups: new Set(groups), attributes: { mail: ['alice@acme.test'] } }
}

/** Sessions in a map; what the store would say can be replaced. */
export class FakeSessions {
  readonly byToken = new Map<string, { readonly session: Session; readonly audience: Audience }>()
  readonly ended: string[] = []
  readonly touched: string[] = []
  resolved = 0
  /** What resolving does instead of answering. */
  outage: 'none' | 'without-grace' | 'with-grace' = 'none'
  onEnd: (sid: string) => void = () => undefined

  readonly resolve = (token: SessionToken, audience: Audience): Promise<Session | undefined> => {
    this.resolved++
    const found = this.byToken.get(token)
    if (this.outage === 'without-grace') return Promise.reject(fault('GH_STORE_UNAVAILABLE'))
    if (found?.audience !== audience) return Promise.resolve(undefined)
    const { session } = found
    return Promise.resolve(this.outage === 'with-grace' ? { ...session, unconfirmed: true } : session)
  }

  readonly touch = (session: Session): void => {
    this.touched.push(session.sid)
  }

  /** What navigations get instead of a token. */
  readonly renewals = new Map<string, SessionToken>()

  readonly renew = (token: SessionToken): SessionToken | undefined => this.renewals.get(token)

  readonly end = (sid: string): Promise<boolean> => {
    this.ended.push(sid)
    for (const [token, { session }] of this.byToken) if (session.sid === sid) this.byToken.delete(token)
    this.onEnd(sid)
    return Promise.resolve(true)
  }

  /** Sessions by access token: the whole value of `Authorization`. */
  readonly byBearer = new Map<string, Session>()

  readonly resolveBearer = (authorization: string): Promise<Session | undefined> =>
    this.outage === 'without-grace'
      ? Promise.reject(fault('GH_STORE_UNAVAILABLE'))
      : Promise.resolve(this.byBearer.get(authorization))

  add(n: number, session: Session, audience: Audience = 'agent:app'): string {
    this.byToken.set(tokenOf(n), { session, audience })
    return `SSOTokenID=${tokenOf(n)}`
  }
}

export const quietLog: Log = { error: noop, warn: noop, info: noop, debug: noop }

function noop(): void {
  // Nobody reads it.
}

export function profileOf(upstream: string, changes: Record<string, unknown> = {}): SiteConfig {
  const parsed = agentProfileSchema.parse({
    id: 'app',
    title: 'App',
    url: 'http://app.test',
    realm: '/employees',
    upstream: { servers: [upstream] },
    notEnforced: [{ path: '/public/*' }],
    ...changes,
  })
  const profile = { ...parsed, id: parsed.id ?? ('app' as AgentId) }
  if (!isSite(profile)) throw new TypeError('the profile has no upstream')
  return profile
}

/** Everyone may use the site but /files/inner/, and only finance may see /admin; the set `level` asks for level 2. */
const POLICIES = policiesFileSchema.parse({
  policies: [
    policy('everyone', ['*://*:*/*', '*://*:*/*?*'], { type: 'AuthenticatedUsers' }),
    policy(
      'no-admin',
      ['*://*:*/admin*', '*://*:*/admin*?*'],
      { type: 'NOT', subject: { type: 'Group', groups: ['finance'] } },
      'deny',
    ),
    policy('no-inner', ['*://*:*/files/inner/*'], { type: 'AuthenticatedUsers' }, 'deny'),
    {
      ...policy('level', ['*://*:*/level/*', '*://*:*/level/*?*'], { type: 'AuthenticatedUsers' }),
      policySet: 'level',
      condition: { type: 'AuthLevel', authLevel: 2 },
    },
    {
      ...policy('approve', ['*://*:*/approve/*', '*://*:*/approve/*?*'], { type: 'AuthenticatedUsers' }),
      policySet: 'approve',
      condition: { type: 'Transaction', authenticationStrategy: 'AuthLevel', strategySpecifier: '2' },
    },
    {
      ...policy('approve-strong', ['*://*:*/approve/strong'], { type: 'AuthenticatedUsers' }),
      policySet: 'approve',
      condition: { type: 'AuthLevel', authLevel: 2 },
    },
  ],
}).policies

function policy(name: string, resources: readonly string[], subject: object, effect = 'allow'): object {
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']
  const actions = Object.fromEntries(methods.map((method) => [method, effect]))
  return { name, resources, subject, actions }
}

export const testPdp = compilePolicies(POLICIES)

export interface SiteChanges {
  readonly pdp?: Site['pdp']
  readonly facts?: Site['factsOf']
  readonly log?: Log
  readonly bodyAllowanceMs?: number
  readonly requestTokens?: Site['requestTokens']
  readonly sso?: Site['sso']
  readonly samlSso?: Site['samlSso']
}

export function siteOf(profile: SiteConfig, changes: SiteChanges = {}): Site {
  const log = changes.log ?? quietLog
  const clock = (): EpochMs => NOW
  return compileSite(profile, {
    loginUrl: LOGIN,
    loginCookieName: 'SSOTokenID',
    allCookieNames: ['OtherSSO'],
    upstream: createUpstream(profile.upstream, {
      name: profile.id,
      siteHost: new URL(profile.url).host,
      log,
      clock,
      bodyAllowanceMs: changes.bodyAllowanceMs ?? 30_000,
    }),
    pdp: changes.pdp ?? testPdp,
    factsOf: changes.facts ?? (() => ALICE),
    administrators: ['admins'],
    isOurToken: (authorization) => authorization.includes('ours'),
    requestTokens: changes.requestTokens,
    sso: changes.sso,
    samlSso: changes.samlSso,
    signer: { sign: ({ audience, subject }) => `signed.${subject}.${Buffer.from(audience).toString('base64url')}` },
    clock,
    log,
    caches: { identities: 100, cookies: 100, names: 100, decisions: 100 },
  })
}

const ALICE = factsOf('staff')

export interface Rig {
  readonly port: number
  /** Where proxies ask for decisions; 0 unless the options say who may. */
  readonly authPort: number
  /** What answers there. */
  readonly forwardAuth: ForwardAuth
  readonly gateway: Gateway
  readonly sessions: FakeSessions
  readonly lines: AccessEntry[]
  /** Settles when so many requests have their lines. */
  recorded(count: number): Promise<void>
  readonly audit: AuditEvent[]
  readonly redemptions: { code: string; binding: string | undefined }[]
  readonly grants: Map<string, HandshakeGrant & { readonly token: SessionToken; readonly session: Session }>
  readonly atLogin: string[]
  readonly forms: FormKeeping
  readonly transactions: FakeTransactions
  now: number
  replace(sites: readonly Site[]): void
}

export interface RigOptions {
  readonly sites: readonly Site[]
  readonly aliases?: readonly string[]
  readonly trustedProxies?: readonly string[]
  readonly pages?: ErrorPages
  readonly touchEveryMs?: number
  readonly forwardAuth?: Parameters<typeof compileForwardAuth>[0]
}

const pages: ErrorPages = {
  render: (refusal) => ({
    html: `<h1>${refusal.kind}</h1>${JSON.stringify(refusal)}`,
    headers: { 'x-page': refusal.kind },
  }),
}

/** A whole gateway behind a real listener. */
export async function startGateway(t: TestContext, options: RigOptions): Promise<Rig> {
  const recording = new EventEmitter()
  const sessions = new FakeSessions()
  const base = {
    sessions,
    lines: [] as AccessEntry[],
    async recorded(count: number) {
      while (base.lines.length < count) await once(recording, 'line')
    },
    audit: [] as AuditEvent[],
    redemptions: [] as Rig['redemptions'],
  }
  const grants: Rig['grants'] = new Map()
  const atLogin: string[] = []
  const forms = formKeeping(() => rig.now as EpochMs)
  const transactions = new FakeTransactions()
  const generation = (sites: readonly Site[]): GatewayGeneration => ({
    generation: 1,
    hosts: createHostTable(
      LOGIN,
      sites.map((site, i) => ({ site, aliases: i === 0 ? (options.aliases ?? []) : [] })),
    ),
    clientOf: createClientResolver(options.trustedProxies ?? []),
    pages: options.pages ?? pages,
    loginHost: (request, response, { client }) => {
      atLogin.push(`${request.url ?? ''} ${client.ip}`)
      response.end('login')
    },
    ...(options.forwardAuth && { forwardAuth: compileForwardAuth(options.forwardAuth, options.trustedProxies ?? []) }),
    close: () => Promise.resolve(),
  })
  const holder = new GenerationHolder(generation(options.sites), noop)
  let count = 0
  const deps: GatewayDeps = {
    generations: holder,
    sessions,
    bearer: { resolve: sessions.resolveBearer },
    handshakes: {
      redeem: (code, agent, binding) => {
        base.redemptions.push({ code, binding })
        const grant = grants.get(code)
        grants.delete(code)
        return Promise.resolve(redemption(grant, agent, binding))
      },
    },
    ...forms,
    transactions,
    audit: { record: (event) => base.audit.push(event) },
    log: quietLog,
    accessLog: {
      record: (entry) => {
        base.lines.push(entry)
        recording.emit('line')
      },
    },
    clock: () => rig.now as EpochMs,
    requestId: () => `id-${++count}`,
    maxNames: 100,
    ...(options.touchEveryMs === undefined ? {} : { touchEveryMs: options.touchEveryMs }),
  }
  const gateway = createGateway(deps)
  sessions.onEnd = (sid) => gateway.sessionEnded(sid)
  const listener = await openListener({ address: '127.0.0.1', port: 0 }, gatewayHandlers(gateway))
  const forwardAuth = createForwardAuth(deps)
  const authPort = options.forwardAuth === undefined ? 0 : await listenForProxies(t, forwardAuth)
  t.after(async () => {
    gateway.close()
    await listener.close(0)
    await Promise.all(options.sites.map(({ upstream }) => upstream.close()))
  })
  const rig: Rig = {
    ...base,
    forms,
    transactions,
    grants,
    atLogin,
    gateway,
    port: listener.port,
    authPort,
    forwardAuth,
    now: NOW,
    replace: (sites) => holder.replace(generation(sites)),
  }
  return rig
}

async function listenForProxies(t: TestContext, forwardAuth: ForwardAuth): Promise<number> {
  const handlers = { ...forwardAuth, failed: (error: Error): void => assert.ifError(error) }
  const listener = await openListener({ address: '127.0.0.1', port: 0 }, handlers)
  t.after(() => listener.close(0))
  return listener.port
}

function gatewayHandlers(gateway: Gateway): Parameters<typeof openListener>[1] {
  return {
    request: (request, response) => gateway.handle(request, response),
    upgrade: (request, socket, head) => gateway.upgrade(request, socket, head),
    failed: (error) => assert.ifError(error),
  }
}

function redemption(
  grant: (HandshakeGrant & { readonly token: SessionToken; readonly session: Session }) | undefined,
  agent: string,
  binding: string | undefined,
): Redemption {
  if (grant?.agent !== agent) return { kind: 'refused', reason: 'unknown-code' }
  if (grant.binding !== binding) return { kind: 'other-browser', goto: grant.goto }
  return {
    kind: 'issued',
    token: grant.token,
    session: grant.session,
    goto: grant.goto,
    interactive: grant.interactive,
  }
}
