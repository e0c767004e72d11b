import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { asFault, ERRORS, fault, loadNow, loadPart } from './errors.ts'

test('docs/errors.md lists exactly the codes of the table, with status and sentence', () => {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(GH_\w+)` +\| (\d+) +\| ([^|]+?) +\|/gm)].map(([, code, status, text]) => [
    code,
    Number(status),
    text,
  ])
  assert.deepEqual(
    rows,
    Object.entries(ERRORS).map(([code, [status, text]]) => [code, status, text]),
  )
})

test('a fault carries code, status and cause; its detail stays out of the message', () => {
  const cause = new Error('SQLITE_IOERR')
  const error = fault('GH_STORE_UNAVAILABLE', { cause, detail: '/var/lib/cts.db' })
  assert.deepEqual([error.code, error.status, error.cause], ['GH_STORE_UNAVAILABLE', 503, cause])
  assert.doesNotMatch(error.message, /cts\.db/)
})

test('whatever is thrown becomes a fault', () => {
  const known = fault('GH_BUSY')
  assert.equal(asFault(known), known)
  assert.equal(asFault('text').code, 'GH_INTERNAL')
  assert.equal(asFault('text').cause, 'text')
})

test('a part that cannot be loaded makes the configuration that needs it invalid, and says which part it is', async () => {
  const cause = new Error('ERR_MODULE_NOT_FOUND')
  const expected = { code: 'GH_CONFIG_INVALID', cause, detail: /^mails cannot be loaded, .*: install it anew$/ }
  await assert.rejects(
    loadPart('mails', () => Promise.reject(cause)),
    expected,
  )
  const broken = (): never => {
    throw cause
  }
  assert.throws(() => loadNow('mails', broken), expected)
  assert.equal(await loadPart('mails', () => Promise.resolve('sent')), 'sent')
})
