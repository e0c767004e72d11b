import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseVersion } from './version.ts'

const VERSIONS = [
  { major: 1, minor: 1 },
  { major: 1, minor: 2 },
  { major: 4, minor: 0 },
]

function chosen(header: string | undefined): unknown {
  const choice = chooseVersion(header, VERSIONS)
  return choice.kind === 'chosen' ? choice.headers['content-api-version'] : [choice.status, choice.message]
}

test('a request gets the newest version of the major it names, and the newest of all where it names none', () => {
  assert.equal(chosen('resource=1.0, protocol=1.0'), 'protocol=1.0,resource=1.2')
  assert.equal(chosen('protocol=2.1,resource=4.0'), 'protocol=2.1,resource=4.0')
  assert.equal(chosen('protocol=1.0'), 'protocol=1.0,resource=4.0')
  assert.equal(chosen(undefined), 'protocol=1.0,resource=4.0')
})

test('an unknown version is 404 with the words that clients look for', () => {
  const words = (version: string) => `Accept-API-Version: Requested version "${version}" does not match any routes.`
  assert.deepEqual(chosen('resource=999.0'), [404, words('999.0')])
  assert.deepEqual(chosen('resource=1.3'), [404, words('1.3')])
  assert.deepEqual(chosen('resource=4.0, protocol=3.0'), [404, words('3.0')])
})

test('what is no version is 400', () => {
  for (const header of ['', 'resource=x', 'resource=1', 'resource=1.1,resource=1.1', 'other=1.0', 'resource=1.1;'])
    assert.equal((chosen(header) as unknown[])[0], 400, header)
  assert.equal((chosen(`resource=1.1,${' '.repeat(200)}protocol=1.0`) as unknown[])[0], 400)
})
