import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { fault } from '../errors.ts'
import { accessLine, createAccessLog, type AccessEntry } from './access-log.ts'
import { auditLine } from './audit-log.ts'
import { createLogger, type Log, type LogLevel } from './log.ts'
import { MASK, maskLoginPath } from './mask.ts'
import { systemClock } from '../base/clock.ts'
import type { RealmName } from '../base/brand.ts'

const EPOCH = '1970-01-01T00:00:00.000Z'

interface Vector {
  readonly id: string
  readonly value?: string
}

const vectors = JSON.parse(
  readFileSync(new URL('vectors/log-injection.json', import.meta.url), 'utf8'),
) as readonly Vector[]

/** Anything that breaks a line, drives a terminal, or reorders or hides text. */
const DANGEROUS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/

function capture(level: LogLevel = 'debug'): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const log = createLogger({ level, destination: { write: (line) => void lines.push(line) } })
  return { log, lines }
}

function only(lines: readonly string[]): Record<string, unknown> {
  assert.equal(lines.length, 1)
  return JSON.parse(lines[0]!) as Record<string, unknown>
}

const entry: AccessEntry = {
  requestId: 'r-1',
  site: 'app',
  method: 'GET',
  path: '/x',
  verdict: 'forward',
  reason: undefined,
  status: 200,
  totalMs: 1.234,
  sessionMs: 0.1,
  policyMs: undefined,
  upstreamMs: 1,
  clientIp: '192.0.2.1',
  sid: undefined,
}

suite('log injection', () => {
  for (const { id, value } of vectors) {
    if (value === undefined) continue
    test(`${id}: stays inside its string, in the application log`, () => {
      const { log, lines } = capture()
      log.info({ username: value, [value]: 1 }, value)
      const line = lines.join('')
      assert.equal(line.split('\n').length, 2, 'one line')
      assert.doesNotMatch(line.trimEnd(), DANGEROUS)
      const read = only(lines)
      assert.equal(read['username'], value)
      assert.equal(read['message'], value)
      assert.equal(read['level'], 'info')
    })
    test(`${id}: stays inside its string, in the access log`, () => {
      const line = accessLine({ ...entry, path: value, method: value, reason: value }, EPOCH)
      assert.equal(line.split('\n').length, 2, 'one line')
      assert.doesNotMatch(line.trimEnd(), DANGEROUS)
      const read = JSON.parse(line) as Record<string, unknown>
      assert.equal(read['reason'], value)
      assert.equal(read['verdict'], 'forward')
    })
    test(`${id}: stays inside its string, in the audit trail`, () => {
      const line = auditLine({
        event: 'AuthnFailed',
        at: systemClock(),
        requestId: undefined,
        clientIp: undefined,
        realm: '/' as RealmName,
        username: value,
        reason: 'unknown-user',
      })
      assert.equal(line.split('\n').length, 2, 'one line')
      assert.doesNotMatch(line.trimEnd(), DANGEROUS)
      const read = JSON.parse(line) as Record<string, unknown>
      assert.equal(read['username'], value)
      assert.equal(read['event'], 'AuthnFailed')
    })
  }

  test('a lone surrogate and an invisible tag character are escaped, an emoji is not', () => {
    const { log, lines } = capture()
    log.info({ a: '\ud800', b: '\u{e0041}', c: '😀' }, 'x')
    assert.match(lines[0]!, /"a":"\\ud800","b":"\\udb40\\udc41","c":"😀"/)
  })
})

const SECRET = 'S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t0'
const SSO_TOKEN = `${SECRET}*AAJTSQACMDE*tail`

suite('masking', () => {
  const named = [
    'password',
    'newPassword',
    'cookie',
    'set-cookie',
    'Authorization',
    'proxy-authorization',
    'token',
    'refresh_token',
    'client_secret',
    'code',
    'authId',
    'SAMLResponse',
    'csrfToken',
    'x-gatehouse-assertion',
    'totp',
  ]
  for (const name of named) {
    test(`a field called ${name} is masked at any depth`, () => {
      const { log, lines } = capture()
      log.warn({ [name]: SECRET, request: { list: [{ [name]: SECRET }] }, map: new Map([[name, SECRET]]) }, 'x')
      assert.doesNotMatch(lines.join(''), new RegExp(SECRET))
    })
  }

  const texts: readonly (readonly [string, string])[] = [
    ['an SSO token', `cookie was SSOTokenID=${SSO_TOKEN}; Path=/`],
    ['an SSO token in an address', `/json/sessions/${SSO_TOKEN.replaceAll('*', '%2A')}`],
    ['code= in a URL', `https://app.example/.gatehouse/callback?state=b.0&code=${SECRET}`],
    ['token= in a URL', `GET /x?id_token=${SECRET}&y=1`],
    ['access_token= in a fragment', `/x#access_token=${SECRET}`],
    ['a JWT', `got eyJhbGciOiJFUzI1NiJ9.${SECRET}.${SECRET}`],
    ['a bearer credential', `Bearer ${SECRET}`],
    ['credentials in a URL', `redis://default:${SECRET}@db.example:6379/0`],
  ]
  for (const [what, text] of texts) {
    test(`${what} in a field, a message, an error or a cause is masked`, () => {
      const { log, lines } = capture()
      const cause = new Error(text)
      log.error({ text, nested: [text], error: fault('GH_INTERNAL', { cause, detail: text }) }, text)
      assert.doesNotMatch(lines.join(''), new RegExp(SECRET))
    })
  }

  test('what is no secret stays readable: status codes, error codes, ordinary URLs', () => {
    const { log, lines } = capture()
    const error = fault('GH_STORE_UNAVAILABLE')
    const system = Object.assign(new Error('no'), { code: 'ECONNREFUSED' })
    log.error({ statusCode: 503, error, system, url: 'https://app.example/a?b=c&page=2', sid: '12.abc' }, 'x')
    const read = only(lines)
    assert.equal(read['statusCode'], 503)
    assert.equal((read['error'] as Record<string, unknown>)['code'], 'GH_STORE_UNAVAILABLE')
    assert.equal((read['system'] as Record<string, unknown>)['code'], 'ECONNREFUSED')
    assert.equal(read['url'], 'https://app.example/a?b=c&page=2')
    assert.equal(read['sid'], '12.abc')
  })

  test('cycles, depth, bytes, big integers and __proto__ do no harm', () => {
    const { log, lines } = capture()
    const cycle: Record<string, unknown> = { n: 12n, bytes: Buffer.from(SECRET) }
    cycle['self'] = cycle
    let deep: Record<string, unknown> = { password: SECRET }
    for (let i = 0; i < 50; i++) deep = { deep }
    log.info({ cycle, deep, ...(JSON.parse('{"x":{"__proto__":{"polluted":1}}}') as object) }, 'x')
    const read = only(lines)
    assert.deepEqual(read['cycle'], { n: '12', bytes: '[bytes]', self: '[circular]' })
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    assert.doesNotMatch(lines.join(''), new RegExp(SECRET))
  })
})

suite('log', () => {
  test('writes nothing below its level', () => {
    const { log, lines } = capture('warn')
    log.debug({}, 'd')
    log.info({}, 'i')
    log.warn({}, 'w')
    log.error({}, 'e')
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { level: string }).level),
      ['warn', 'error'],
    )
    const silent = capture('silent')
    silent.log.error({}, 'e')
    assert.equal(silent.lines.length, 0)
  })
})

suite('access log', () => {
  test('has no query, no fragment, and masks a token in the path', () => {
    const line = accessLine({ ...entry, path: `/a/${SSO_TOKEN}?code=${SECRET}` }, EPOCH)
    assert.doesNotMatch(line, new RegExp(SECRET))
    assert.equal((JSON.parse(line) as { path: string }).path, '/a/[masked]')
    assert.equal((JSON.parse(accessLine({ ...entry, path: '/a?b=c' }, EPOCH)) as { path: string }).path, '/a')
  })

  test('has nothing of what stands in the place of a token in an address of the login host', () => {
    const rest = 'canary*/canary'
    const deep = `/json/${'a/'.repeat(8_000)}sessions/`
    for (const before of [
      ...['/json/sessions/', '/am/json/employees/sessions/', '/openam/json/realms/root/realms/a/sessions/', deep],
      ...['/json/realms/root/realms/sessions/sessions/'],
    ])
      assert.doesNotMatch(maskLoginPath(before + rest), /canary/, before.slice(0, 60))
    for (const path of ['/json/sessions', '/login/employees', '/api/v1/sessions/0001.AAAA', '/json/sessions/'])
      assert.equal(maskLoginPath(path), path)
    const token = '44a20395-1a0e-469d-ad9b-80df8dbbf8c4'
    const mistaken = `/edge/management/v1/api-sessions/${token}/sessions`
    assert.equal(maskLoginPath(mistaken), mistaken.replace(token, MASK))
    assert.equal(maskLoginPath(mistaken.replace(token, '0086.iOupRCUoxgrRe7_m')).includes(MASK), false)
  })

  test('leaves out what is not known and keeps a long path short', () => {
    const read = JSON.parse(
      accessLine({ ...entry, site: undefined, sessionMs: undefined, path: `/${'a'.repeat(9_000)}` }, EPOCH),
    ) as Record<string, unknown>
    assert.equal('site' in read || 'sid' in read || 'policyMs' in read || 'sessionMs' in read, false)
    assert.equal((read['path'] as string).length, 1_025)
    assert.equal(read['ms'], 1.23)
    assert.equal(read['time'], '1970-01-01T00:00:00.000Z')
  })

  test('writes the lines of one turn at once, and what is left when it is closed', async () => {
    const writes: string[] = []
    const log = createAccessLog({ destination: { write: (text) => void writes.push(text) }, clock: () => 0 })
    log.record(entry)
    log.record(entry)
    assert.equal(writes.length, 0)
    await new Promise(setImmediate)
    assert.equal(writes.length, 1)
    assert.equal(writes[0]!.split('\n').length, 3)
    log.record(entry)
    log.close()
    assert.equal(writes.length, 2)
    await new Promise(setImmediate)
    assert.equal(writes.length, 2)
  })
})
