import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { readJson } from './read-json.ts'

function incoming(headers: Readonly<Record<string, string>>): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  Object.assign(request.headers, headers)
  return request
}

const TYPE = { 'content-type': 'application/json; charset=utf-8' }

function whole(text: string, headers: Readonly<Record<string, string>> = TYPE): IncomingMessage {
  const request = incoming(headers)
  request.push(text)
  request.push(null)
  return request
}

test('JSON is read; an empty body of any type is none', async () => {
  assert.deepEqual(await readJson(whole('{"a":1}')), { kind: 'read', value: { a: 1 } })
  assert.deepEqual(await readJson(whole('', { 'content-type': 'text/plain' })), { kind: 'read', value: undefined })
  assert.deepEqual(await readJson(whole('{')), { kind: 'refused', status: 400 })
})

test('a body that says or turns out to be too large is not read to its end', async () => {
  assert.deepEqual(await readJson(incoming({ ...TYPE, 'content-length': '99999999' })), {
    kind: 'refused',
    status: 413,
  })
  const request = incoming(TYPE)
  const answer = readJson(request)
  for (let n = 0; n < 5; n++) request.push('x'.repeat(4_000))
  assert.deepEqual(await answer, { kind: 'refused', status: 413 })
})

test('a body that does not arrive in time is refused, and a connection that breaks rejects', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const slow = readJson(incoming(TYPE))
  t.mock.timers.tick(20_001)
  assert.deepEqual(await slow, { kind: 'refused', status: 408 })
  const broken = incoming(TYPE)
  const answer = readJson(broken)
  broken.destroy()
  await assert.rejects(answer, /broke/)
})
