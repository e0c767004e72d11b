import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import type { RingKey } from '../crypto/key-document.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import type { Store } from '../store/store.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { createHandshakeService } from './handshake.ts'
import { createSessionService, type SessionServiceDeps } from './service.ts'
import { createStatelessSessions, type StatelessDeps } from './stateless.ts'
import type { Establishment, HandshakeService, IssuedSession, SessionDraft, SessionService } from './session.ts'

export const EMPLOYEES = '/employees' as RealmName
export const APP = 'app' as AgentId
export const FROM = { requestId: 'r-1', clientIp: '192.0.2.7' }

export const ALICE: SessionDraft = {
  realm: EMPLOYEES,
  userId: 'u-alice',
  username: 'alice',
  authLevel: 1,
  authModules: ['password'],
  properties: { tier: 'gold' },
  maxIdleMs: 30 * 60_000,
  maxLifeMs: 120 * 60_000,
}

/** A rule that holds wherever the session lives. `alice` signs in to sessions of the one kind, then to those of the other. */
export function inEachMode(rule: string, body: (t: TestContext, alice: SessionDraft) => Promise<void>): void {
  for (const mode of ['cts', 'stateless'] as const) void test(`${rule} (${mode})`, (t) => body(t, { ...ALICE, mode }))
}

/** Options of one process: those of its service, or another store or keys for what browsers carry. */
type ProcessOptions = Partial<SessionServiceDeps> & { readonly carried?: Partial<StatelessDeps> }

/** The one key of all processes: a ring would make a pair for every purpose first. */
export const SESSION_KEY: RingKey = {
  kid: 'AbCdEfGhIjKlMnOp',
  purpose: 'session',
  sequence: 1,
  createdAt: 0 as EpochMs,
  notBefore: 0 as EpochMs,
  key: createSecretKey(randomBytes(32)),
}
const RING: StatelessDeps['keyRing'] = {
  current: () => SESSION_KEY,
  known: (_, kid) => (kid === SESSION_KEY.kid ? SESSION_KEY : undefined),
}

export interface Process {
  readonly store: Store
  readonly sessions: SessionService & { close(): Promise<void> }
  readonly handshakes: HandshakeService
}

/** One database file, one time, one audit and log; as many processes on it as the test starts. */
export function createMachine(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-session-'))
  const time = { now: 1_800_000_000_000 as EpochMs }
  const clock = (): EpochMs => time.now
  const audited: AuditEvent[] = []
  const logged: string[] = []
  const write = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`)
  }
  const log = { error: write, warn: write, info: write, debug: write }
  const audit = { record: (event: AuditEvent) => void audited.push(event) }
  const closers: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closers) await close()
    rmSync(directory, { recursive: true })
  })

  const start = async ({ carried, ...options }: ProcessOptions = {}): Promise<Process> => {
    const path = join(directory, 'cts.db')
    const store = await openEmbeddedStore({ path, clock, log, spawn: writerInThisThread(path) })
    const { place = { siteId: '01', serverId: '02' }, graceMs = 15_000 } = options
    const stateless = createStatelessSessions({ store, keyRing: RING, clock, log, place, graceMs, ...carried })
    const sessions = createSessionService({ store, clock, audit, log, place, stateless, ...options })
    closers.push(async () => {
      await sessions.close()
      stateless.close()
      await store.close()
    })
    return { store, sessions, handshakes: createHandshakeService({ store, clock, audit, place, stateless }) }
  }

  const pass = (ms: number): void => {
    time.now = (time.now + ms) as EpochMs
  }
  return { start, pass, time, clock, log, audited, logged, directory }
}

/** What a login was given that no quota stood in the way of. */
export async function established(login: Promise<Establishment>): Promise<IssuedSession> {
  const outcome = await login
  assert.ok(outcome.kind === 'established', `the login was not established: ${outcome.kind}`)
  return outcome.issued
}

/** Settles once the process has seen a revocation of the session. */
export function revocationOf(process: Process, sid: string): Promise<void> {
  return new Promise((resolve) => {
    const subscription = process.store.revocations.subscribe((entries) => {
      if (!entries.some((entry) => entry.kind !== 'epoch-raised' && entry.sid === sid)) return
      subscription.close()
      resolve()
    })
  })
}
