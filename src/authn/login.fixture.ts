import { createHash } from 'node:crypto'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { openQuickKeyRing } from '../crypto/key-ring.fixture.ts'
import { createSealer, type Sealer } from '../crypto/seal.ts'
import type { OwnPasswords, User, UserDirectory } from '../identity/directory.ts'
import type { Messengers } from '../identity/mail/messenger.ts'
import { createFileDirectory, type PasswordVerifier } from '../identity/file-directory.ts'
import type { UserConfig } from '../identity/users.schema.ts'
import { withAnonymousOf } from '../identity/with-anonymous.ts'
import { createSessionService } from '../session/service.ts'
import type { Session, SessionService } from '../session/session.ts'
import { sessionRulesSchema } from '../session/session-rules.schema.ts'
import { createStatelessSessions, type StatelessSessions } from '../session/stateless.ts'
import { createTransactions, type Transactions } from '../session/transactions.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import type { Quota, Store } from '../store/store.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import { createAuthn, createProgramAuthn, createTellingAuthn, type Authn, type ProgramAuthn } from './authn.ts'
import type { LoginContext } from './login-call.ts'
import { authnSchema } from './chains.schema.ts'
import { ALL_MODULE_TYPES, loadModuleTypes } from './modules/catalogue.ts'
import type { AuthModule, AuthModuleInput, ModuleOutcome } from './modules/module.ts'
import { createOwnFactors, type OwnFactors } from './own-factors.ts'
import { compileRealmAuthn, type CompiledChain, type RealmAuthn } from './realm-authn.ts'
import type { Step } from './step.ts'

export const EMPLOYEES = '/employees' as RealmName
export const CUSTOMERS = '/customers' as RealmName
export const LOGIN_ORIGIN = 'https://login.acme.example'
export const DESTINATION = {
  goto: 'https://app.acme.example/x?y=z',
  handshake: { agent: 'app', state: `${'b'.repeat(43)}.0` },
} as const
export const NO_DEMAND = { level: undefined, force: false } as const
export const CODE = '123456'
/** Of bob in the realm of employees. */
export const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

const moduleTypes = await loadModuleTypes(ALL_MODULE_TYPES)
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

export function user(username: string, more: Partial<UserConfig> = {}): UserConfig {
  return {
    username,
    password: `hash of ${username}`,
    groups: [],
    attributes: {},
    disabled: false,
    demo: false,
    ...more,
  }
}

/** Notes each call: what it is asked to do is what it costs. */
export function countingHasher(): PasswordVerifier & { readonly calls: string[] } {
  const calls: string[] = []
  const note = (password: string): Promise<void> => {
    calls.push(password)
    return Promise.resolve()
  }
  return {
    calls,
    verify: (stored, password) => note(password).then(() => stored === `hash of ${password}`),
    verifyNothing: note,
    hasRoom: () => true,
  }
}

/** A second step: one code, for whoever the first step proved it is, or for `owner`. */
export function codeModule(owner?: () => string | undefined): AuthModule & { readonly judged: string[] } {
  const judged: string[] = []
  const process = (input: AuthModuleInput): Promise<ModuleOutcome> => {
    const code = input.answers?.[0]
    if (code === undefined) {
      return Promise.resolve({ kind: 'ask', callbacks: [{ type: 'PasswordCallback', prompt: 'code' }], state: 'sent' })
    }
    assert.equal(input.state, 'sent', 'the state comes back')
    judged.push(code)
    const username = owner?.() ?? input.user?.username ?? ''
    if (code !== CODE) return Promise.resolve({ kind: 'failed', reason: 'wrong-password', username })
    const proven = { id: username, username, groups: new Set<string>(), attributes: {} }
    return Promise.resolve({ kind: 'passed', user: proven, properties: { code: 'yes' } })
  }
  return { name: 'code', type: 'code', use: 'second', authLevel: 2, process, judged }
}

/** The store's calls that keep a login, by name. */
export interface Kept {
  readonly calls: string[]
}

function spied(store: Store, kept: Kept): Pick<Store, 'versioned' | 'oneTime' | 'epochs' | 'sessions'> {
  const { versioned, oneTime, epochs, sessions } = store
  return {
    epochs,
    sessions,
    versioned: {
      ...versioned,
      create: (...args) => {
        kept.calls.push('versioned.create')
        return versioned.create(...args)
      },
    },
    oneTime: {
      ...oneTime,
      put: (...args) => {
        kept.calls.push('oneTime.put')
        return oneTime.put(...args)
      },
    },
  }
}

export interface BenchOptions {
  readonly hasher?: PasswordVerifier
  /** Of the realm of employees, in place of the fixture's. */
  readonly users?: readonly UserConfig[]
  /** Answers instead of the directory. */
  readonly checkPassword?: UserDirectory['checkPassword']
  /** Passwords that people change themselves. */
  readonly passwords?: OwnPasswords
  readonly code?: AuthModule
  readonly messengers?: Messengers
  /** Settings of `authentication` beside or in place of the fixture's. */
  readonly authentication?: Readonly<Record<string, unknown>>
  /** Whether there is a chain of one step that reaches level 3. */
  readonly strong?: boolean
  /** Sessions that one person may have. */
  readonly quota?: Quota
  /** Where sessions live. */
  readonly mode?: 'cts' | 'stateless'
  /** What signing in to /customers does to a session of another realm. */
  readonly realmSwitch?: 'end' | 'keep'
  /** Read at each look-up: names that are gone meanwhile. */
  readonly removed?: ReadonlySet<string>
  /** Of sites whose pages may sign people in. */
  readonly pageOrigins?: readonly string[]
}

export interface Bench {
  readonly realms: ReadonlyMap<RealmName, RealmAuthn>
  readonly authn: Authn
  /** Of programs that tell what is proved so far. */
  readonly telling: Authn
  /** The same logins for programs. */
  readonly programs: ProgramAuthn
  readonly sealer: Sealer
  readonly ownFactors: OwnFactors
  readonly sessions: SessionService
  readonly stateless: StatelessSessions
  readonly transactions: Transactions
  readonly store: Store
  readonly time: { now: number }
  readonly audited: AuditEvent[]
  readonly kept: Kept
  /** The events without times and origins. */
  readonly events: () => readonly object[]
}

/** Logins on the real store, key ring and session service. */
export async function createBench(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-authn-'))
  const time = { now: 1_800_000_000_000 }
  const clock = (): EpochMs => time.now as EpochMs
  const audited: AuditEvent[] = []
  const audit = { record: (event: AuditEvent) => void audited.push(event) }
  const path = join(directory, 'cts.db')
  const store = await openEmbeddedStore({ path, clock, log: silent, spawn: writerInThisThread(path) })
  const masterKey = Buffer.alloc(32, 7).toString('base64url')
  const keyRing = await openQuickKeyRing({ documents: store.documents, masterKey, clock, log: silent })
  const place = { siteId: '01', serverId: '01' }
  const stateless = createStatelessSessions({ store, keyRing, clock, log: silent, place })
  const sessions = createSessionService({ store, clock, audit, log: silent, place, stateless })
  t.after(async () => {
    await sessions.close()
    stateless.close()
    keyRing.close()
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const kept: Kept = { calls: [] }
  const sealer = createSealer(keyRing, clock)
  const realms = new Map([EMPLOYEES, CUSTOMERS].map((name) => [name, realmOf(name, options, { store, clock, sealer })]))
  const transactions = createTransactions(store)
  const deps = { realms, sessions, store: spied(store, kept), sealer, clock, audit, transactions }
  const [authn, programs, telling] = [createAuthn(deps), createProgramAuthn(deps), createTellingAuthn(deps)]
  const events = (): readonly object[] =>
    audited.map(({ at: _at, requestId: _requestId, clientIp: _clientIp, ...rest }) => rest)
  const ownFactors = createOwnFactors({ realms, sealer, store, audit, clock })
  const services = { sessions, stateless, transactions, store, time, sealer }
  return { realms, authn, telling, programs, ownFactors, ...services, audited, kept, events }
}

function realmOf(
  name: RealmName,
  {
    hasher = countingHasher(),
    users: employees,
    code = codeModule(),
    realmSwitch = 'end',
    mode = 'cts',
    quota,
    removed = new Set(),
    checkPassword,
    passwords,
    authentication: more = {},
    strong = false,
    messengers = {},
    pageOrigins = [],
  }: BenchOptions,
  { store, clock, sealer }: { store: Store; clock: () => EpochMs; sealer: Sealer },
): RealmAuthn {
  const users =
    name === EMPLOYEES
      ? (employees ?? [
          user('alice', { attributes: { mail: ['alice@acme.example'], telephoneNumber: ['+41 79 123 45 67'] } }),
          user('bob', { totp: TOTP_SECRET }),
          user('gone', { disabled: true }),
        ])
      : [user('dave')]
  const files = createFileDirectory(name, users, hasher)
  const find = (id: string): User | undefined => (removed.has(id) ? undefined : files.find(id))
  const own = passwords === undefined ? {} : { passwords }
  const directory = { ...files, find, ...own, ...(checkPassword === undefined ? {} : { checkPassword }) }
  const authentication = authnSchema.parse({
    modules: { password: { type: 'password' }, strong: { type: 'password', authLevel: 3 } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      ...(strong ? { strong: [{ module: 'strong', criteria: 'REQUIRED' }] } : {}),
    },
    ...more,
  })
  const session = sessionRulesSchema.parse({ realmSwitch, mode, ...(quota === undefined ? {} : { quota }) })
  const config = { name, authentication, session, users, look: { title: 'Acme' } }
  const loginOrigin = LOGIN_ORIGIN
  const known = withAnonymousOf(authentication, directory)
  const realm = compileRealmAuthn(config, {
    moduleTypes,
    directory: known,
    sealer,
    store,
    clock,
    messengers,
    hasher,
    loginOrigin,
    pageOrigins,
  })
  const twoSteps = {
    level: 2,
    entries: [
      { module: 'password', criteria: 'REQUISITE' },
      { module: 'code', criteria: 'REQUIRED' },
    ],
  } as const
  return {
    ...realm,
    modules: new Map([...realm.modules, ['code', code]]),
    chains: new Map<string, CompiledChain>([...realm.chains, ['two-steps', twoSteps]]),
  }
}

export function binding(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}

export function context(session?: Session, more: Partial<LoginContext> = {}): LoginContext {
  return {
    binding: binding('this browser'),
    session,
    origin: { requestId: 'r-1', clientIp: '192.0.2.1' },
    ...more,
  }
}

type Ask = Extract<Step, { kind: 'ask' }>
type Done = Extract<Step, { kind: 'done' }>

export function asked(step: Step): Ask {
  assert.ok(step.kind === 'ask', `not asked, but ${step.kind}`)
  return step
}

export function done(step: Step): Done {
  assert.ok(
    step.kind === 'done',
    `not done, but ${step.kind === 'ask' ? `asked (${step.failure ?? 'no failure'})` : step.kind}`,
  )
  return step
}
