import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { createAuditLog } from './audit-log.ts'
import type { AuditEvent } from './audit.ts'
import type { Log } from './log.ts'

const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

function event(n: number): AuditEvent {
  return {
    event: 'HandshakeRefused',
    at: n as EpochMs,
    requestId: `r-${n}`,
    clientIp: '192.0.2.1',
    agent: 'app' as AgentId,
    reason: 'unknown-code',
  }
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-audit-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

suite('audit log', () => {
  test('appends one line an event to a file that only its owner can read, and has written all when closed', async (t) => {
    const file = join(directory(t), 'audit', 'audit.jsonl')
    for (const round of [0, 1]) {
      const audit = createAuditLog({ destination: { file }, log: silent })
      for (let i = 0; i < 500; i++) audit.record(event(round * 500 + i))
      await audit.close()
      audit.record(event(9_999))
      await audit.close()
    }
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    assert.equal(lines.length, 1_000)
    assert.deepEqual(JSON.parse(lines[999]!), {
      log: 'audit',
      time: '1970-01-01T00:00:00.999Z',
      event: 'HandshakeRefused',
      requestId: 'r-999',
      clientIp: '192.0.2.1',
      agent: 'app',
      reason: 'unknown-code',
    })
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('masks a code in a goto that was refused', async () => {
    const lines: string[] = []
    const audit = createAuditLog({ destination: { write: (line) => void lines.push(line) }, log: silent })
    audit.record({
      event: 'GotoRefused',
      at: 0 as EpochMs,
      requestId: undefined,
      clientIp: undefined,
      realm: '/' as RealmName,
      goto: 'https://evil.example/?code=abcdef',
      reason: 'not-registered',
    })
    await audit.close()
    assert.equal((JSON.parse(lines[0]!) as { goto: string }).goto, 'https://evil.example/?code=[masked]')
  })

  test('a stream that throws is told to the log and to nobody else', () => {
    const told: unknown[] = []
    const write = (): never => {
      throw new Error('disk full')
    }
    const log: Log = { ...silent, error: (fields) => void told.push(fields) }
    const audit = createAuditLog({ destination: { write }, log })
    audit.record(event(1))
    assert.equal(told.length, 1)
    assert.equal((told[0] as { event: string }).event, 'HandshakeRefused')
  })

  test('a disk that fails later is told to the log, and closing still settles', async () => {
    const told = Promise.withResolvers<string>()
    const log: Log = { ...silent, error: (_fields, message) => told.resolve(message) }
    const audit = createAuditLog({ destination: { file: '/dev/full' }, log })
    audit.record(event(1))
    assert.equal(await told.promise, 'the audit log cannot be written')
    await audit.close()
  })

  test('a file that cannot be opened is a configuration fault', () => {
    assert.throws(
      () => createAuditLog({ destination: { file: '/dev/null/audit' }, log: silent }),
      (error) => error instanceof GatehouseError && error.code === 'GH_CONFIG_INVALID',
    )
  })
})
