import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { Log } from '../../telemetry/log.ts'
import { sessionRecord, tokenRecord } from '../session.fixture.ts'
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
  return sessionRecord(now, { sid, bucket: 5, maxIdleMs: 3_600_000 })
}

export function loginToken(sid: string, hash: string, now: EpochMs): TokenRecord {
  return tokenRecord(now, { sid, hash })
}
