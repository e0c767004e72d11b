import { NOTHING_PRESENTED } from '../http/presented.ts'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import type { Destination, Step } from '../authn/step.ts'
import type { OwnFactors } from '../authn/own-factors.ts'
import type { OwnPassword } from '../authn/own-password.ts'
import { fault } from '../errors.ts'
import { NO_ISSUERS } from '../federation/oidc-op/issuers.ts'
import type { HandshakeGrant, IssuedSession, Session, SessionToken } from '../session/session.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { NO_IDPS } from '../federation/saml-idp/idps.ts'
import { lookSchema } from './look.schema.ts'
import { createPortal, type PortalDeps } from './portal.ts'
import type { Leaving } from '../federation/logout/leaving.ts'
import type { Authn } from '../authn/authn.ts'
import type { LoginContext } from '../authn/login-call.ts'
import type { PortalRealm, PortalSite } from './ports.ts'
import { loadPublicFiles, type PublicFiles } from './public-files.ts'

/*
 * A whole login host for tests: the real portal on a real server, with the smallest authentication that keeps the rules
 * of its port (an authId works once per password, in the browser it was made for).
 */

export const PUBLIC = join(import.meta.dirname, '../../public')
export const THEME = join(import.meta.dirname, 'vectors/theme')

export interface LoginHost {
  readonly url: string
  readonly sites: { readonly app: string; readonly pay: string }
  readonly audit: AuditEvent[]
  readonly grants: HandshakeGrant[]
  readonly ended: string[]
  readonly touched: string[]
  /** Live sessions by token. */
  readonly sessions: ReadonlyMap<string, Session>
  /** While set, sessions cannot be resolved. */
  storeDown: boolean
  readonly problems: string[]
  readonly notices: string[]
  /** A live session's token. */
  signIn(username: string, realm?: string, authLevel?: number): string
  /** Another live session, whatever there is to know of it. */
  addSession(session: Partial<Session>): Session
  close(): Promise<void>
}

export interface LoginHostOptions {
  readonly https?: boolean
  /** Other parts than the tiny ones. */
  readonly parts?: Partial<PortalDeps>
  readonly realms?: (realms: readonly PortalRealm[]) => readonly PortalRealm[]
}

let files: Promise<PublicFiles> | undefined

export async function openLoginHost(options: LoginHostOptions = {}): Promise<LoginHost> {
  const world = createWorld()
  const server = createServer((request, response) => portal(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as AddressInfo).port
  const loginUrl = options.https === true ? 'https://login.example.com' : `http://127.0.0.1:${port}`
  const sites = { app: 'http://app.example.com:8080', pay: 'http://pay.example.com:8080' }
  const realms = sampleRealms(sites)
  const portal = createPortal({
    loginUrl,
    cookieName: 'SSOTokenID',
    cookiePersistent: false,
    realms: options.realms?.(realms) ?? realms,
    files: await (files ??= loadPublicFiles(PUBLIC)),
    authn: createTinyAuthn(world),
    ownFactors: noFactors,
    ownPassword: passwordsElsewhere,
    providers: { receive: () => Promise.resolve(undefined), signedOut: () => Promise.resolve(false) },
    leaving: nobodyToTell,
    sessions: {
      resolve: (token) =>
        world.storeDown ? Promise.reject(fault('GH_STORE_UNAVAILABLE')) : Promise.resolve(world.sessions.get(token)),
      touch: (session) => void world.touched.push(session.sid),
      renew: (token, { stateless }) => stateless && (`${token}-next` as SessionToken),
      end: (sid) => {
        const tokens = [...world.sessions].filter(([, session]) => session.sid === sid).map(([token]) => token)
        for (const token of tokens) world.sessions.delete(token)
        world.ended.push(sid)
        return Promise.resolve(tokens.length > 0)
      },
      endOthers: ({ sid, realm, userId }) => {
        const ofThem = [...world.sessions].filter(([, each]) => each.realm === realm && each.userId === userId)
        const others = ofThem.filter(([, each]) => each.sid !== sid)
        for (const [token, other] of others) {
          world.sessions.delete(token)
          world.ended.push(other.sid)
        }
        return Promise.resolve(others.length)
      },
      ofUser: ({ realm, userId }) =>
        Promise.resolve([...world.sessions.values()].filter((each) => each.realm === realm && each.userId === userId)),
      find: (sid) => Promise.resolve([...world.sessions.values()].find((each) => each.sid === sid)),
    },
    handshake: {
      issue: (_session, grant) => {
        world.grants.push(grant)
        return Promise.resolve(`code-${world.grants.length}`)
      },
      tokenFor: ({ sid }, { agent }) => Promise.resolve(`<${agent}&${sid}>` as SessionToken),
    },
    issuers: NO_ISSUERS,
    saml: { idps: NO_IDPS, logouts: { of: () => undefined }, entityIdOf: () => undefined, metadataOf: () => undefined },
    checkGoto: (_realm, goto) => {
      const url = /^https?:\/\/|^\/\w/.test(goto) ? URL.parse(goto, loginUrl) : null
      const known = url !== null && [sites.app, sites.pay, new URL(loginUrl).origin].includes(url.origin)
      return known ? { kind: 'accepted', url: url.href } : { kind: 'refused', reason: 'not-registered' }
    },
    readiness: { report: () => Promise.resolve(world) },
    jwks: () => ({ keys: [{ kty: 'EC', kid: 'k1' }] }),
    presentedBy: () => NOTHING_PRESENTED,
    factsOf: () => ({ requestId: 'req-1', client: { ip: '192.0.2.1', scheme: 'http', peer: '192.0.2.1' } }),
    audit: { record: (event) => void world.audit.push(event) },
    log: { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined },
    clock: () => 0 as EpochMs,
    ...options.parts,
  })
  return Object.assign(world, {
    url: loginUrl.startsWith('https') ? `http://127.0.0.1:${port}` : loginUrl,
    sites,
    signIn: (username: string, realm = '/employees', authLevel = 1) =>
      issue(world, { username, realm: realm as RealmName, authLevel }).token,
    addSession: (session: Partial<Session>) => issue(world, session).session,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

/** No session is known to anybody. */
const nobodyToTell: Leaving = {
  plan: () => Promise.resolve({ stops: [], asides: [] }),
  visits: () => Promise.resolve(),
  turn: () => Promise.resolve({ kind: 'nobody' }),
  answer: () => Promise.resolve(undefined),
  begin: () => Promise.resolve(''),
  load: () => Promise.resolve(undefined),
  change: () => Promise.resolve(undefined),
  heard: () => Promise.resolve(false),
  end: () => Promise.resolve(),
}

const passwordsElsewhere: OwnPassword = {
  minLengthFor: () => undefined,
  change: () => Promise.resolve({ kind: 'elsewhere' }),
}

/** Nobody has any, and there is nothing to set up. */
export const noFactors: OwnFactors = {
  holdings: () => Promise.resolve({ factors: [], addable: [] }),
  demandOf: () => Promise.resolve({ level: undefined, force: false, maxAgeMs: 300_000 }),
  mayChange: () => Promise.resolve(false),
  begin: () => Promise.resolve({ kind: 'gone' }),
  finish: () => Promise.resolve({ kind: 'gone' }),
  rename: () => Promise.resolve({ kind: 'gone' }),
  remove: () => Promise.resolve({ kind: 'gone' }),
}

interface World {
  readonly sessions: Map<string, Session>
  readonly audit: AuditEvent[]
  readonly grants: HandshakeGrant[]
  readonly ended: string[]
  readonly touched: string[]
  readonly problems: string[]
  readonly notices: string[]
  storeDown: boolean
}

function createWorld(): World {
  return {
    sessions: new Map(),
    audit: [],
    grants: [],
    ended: [],
    touched: [],
    problems: [],
    notices: [],
    storeDown: false,
  }
}

function sampleRealms(sites: LoginHost['sites']): readonly PortalRealm[] {
  const site = (agent: string, title: string, url: string): PortalSite => {
    const id = agent as AgentId
    return { agent: id, title, url, aliases: [], audience: `agent:${id}` }
  }
  const realm = (name: string, look: object, of: readonly PortalSite[]): PortalRealm => ({
    name: name as RealmName,
    look: lookSchema.parse(look),
    themeDir: THEME,
    realmSwitch: 'end',
    sites: of,
    goto: [],
  })
  return [
    realm('/', { title: 'Acme Administration', color: '#475569' }, []),
    realm(
      '/employees',
      { title: 'Acme', color: '#0f766e', supportUrl: 'https://help.example.com/', logo: 'logo.svg' },
      [site('app', 'Workplace', sites.app), site('pay', 'Payroll', sites.pay)],
    ),
    realm('/customers', { title: 'Acme Club', color: '#ffd400' }, []),
  ]
}

function issue(world: World, facts: Partial<Session>): IssuedSession {
  const { username = 'alice' } = facts
  const token = `${randomBytes(32).toString('base64url')}*AAEwMQ*` as SessionToken
  const session: Session = {
    sid: `sid-${username}`,
    bucket: 1,
    realm: '/employees' as RealmName,
    userId: username,
    username,
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: 0 as EpochMs,
    createdAt: 0 as EpochMs,
    lastSeenAt: 0 as EpochMs,
    idleExpiresAt: 0 as EpochMs,
    maxExpiresAt: 0 as EpochMs,
    origin: { address: '', device: '' },
    properties: {},
    ...facts,
  }
  world.sessions.set(token, session)
  return { token, session }
}

interface Sealed {
  readonly realm: RealmName
  readonly binding: string
  readonly destination: Destination
}

/** `NAME-demo-password` opens; level 2 is out of reach; the user `slow` is throttled, and `mover`'s session has changed. */
function createTinyAuthn(world: World): Authn {
  const journeys = new Map<string, Sealed>()
  const ask = (sealed: Sealed, more: Partial<Extract<Step, { kind: 'ask' }>> = {}): Step => {
    const authId = createHash('sha256').update(randomBytes(16)).digest('base64url')
    journeys.set(authId, sealed)
    return {
      kind: 'ask',
      authId,
      realm: sealed.realm,
      stage: 'password',
      callbacks: [
        { type: 'NameCallback', prompt: 'username' },
        { type: 'PasswordCallback', prompt: 'password' },
      ],
      enrols: false,
      others: [],
      username: undefined,
      failure: undefined,
      retryAfterSeconds: undefined,
      destination: sealed.destination,
      ...more,
    }
  }
  return {
    begin: ({ realm, demand, destination }, context: LoginContext) =>
      Promise.resolve(
        (demand.level ?? 0) > 1
          ? { kind: 'unreachable', destination }
          : ask({ realm, binding: context.binding, destination }),
      ),
    submit: ({ realm, authId, answers }, context) => {
      const sealed = journeys.get(authId)
      if (sealed?.binding !== context.binding || sealed.realm !== realm) {
        return Promise.resolve<Step>({ kind: 'expired', destination: undefined })
      }
      const [username = '', password = ''] = answers
      if (username === 'slow') return Promise.resolve(ask(sealed, { failure: 'throttled', retryAfterSeconds: 30 }))
      if (username === 'mover') return Promise.resolve(ask(sealed, { failure: 'session-changed' }))
      if (password !== `${username}-demo-password`) return Promise.resolve(ask(sealed, { failure: 'bad-credentials' }))
      journeys.delete(authId)
      return Promise.resolve<Step>({
        kind: 'done',
        issued: issue(world, { username, realm }),
        destination: sealed.destination,
      })
    },
  }
}
