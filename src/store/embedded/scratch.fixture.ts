import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Log } from '../../telemetry/log.ts'
import type { SessionRecord, TokenRecord } from '../store.ts'

/** A path for a store file in a directory of its own that goes with the test. */
export function scratchPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'data', 'cts.db')
}

/** A log whose lines a test can look at. */
export function recordedLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (_fields: unknown, message: string) => void lines.push(`${level}: ${message}`)
  return { lines, error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }
}

export function freshSession(sid: string, now: EpochMs): SessionRecord {
  return {
    sid,
    bucket: 5,
    kind: 'cts',
    realm: '/employees' as RealmName,
    userId: 'u-alice',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: now,
    createdAt: now,
    lastSeenAt: now,
    maxIdleMs: 3_600_000,
    maxExpiresAt: (now + 7_200_000) as EpochMs,
    origin: { address: '192.0.2.7', device: 'Mozilla/5.0' },
    properties: {},
  }
}

export function loginToken(sid: string, hash: string, now: EpochMs): TokenRecord {
  return { hash, sid, audience: 'login', gen: 1, authLevel: 1, authInstant: now, issuedAt: now }
}
