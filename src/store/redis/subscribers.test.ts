import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { silentLog } from './contract-data.fixture.ts'
import type { Positions } from './log-position.ts'
import { Subscribers } from './subscribers.ts'

const GROUP = 3

function entry(id: string) {
  const fields = new Map(Object.entries({ kind: 'session-ended', sid: id, cause: 'logout', at: '1' }))
  return { id, fields }
}

function scene(boundaries: Promise<Positions>) {
  const subscribers = new Subscribers(silentLog)
  const heard: string[] = []
  const hear = (sid: string): void => void heard.push(sid)
  subscribers.add(
    (entries) => entries.forEach((one) => 'sid' in one && hear(one.sid)),
    () => hear('gap'),
    boundaries,
  )
  const tell = (server: string, ...ids: readonly string[]): void =>
    subscribers.tell({ group: GROUP, server, entries: ids.map(entry) })
  return { subscribers, heard, tell }
}

const upTo = (server: string, id: string): Positions => new Map([[GROUP, { server, id }]])

test('a subscriber is told what came after it, in the log of the server that it asked where that ends', async () => {
  const { heard, tell } = scene(Promise.resolve(upTo('one', '200-0')))
  tell('one', '100-0', '200-0', '200-1')
  await turn()
  tell('one', '199-0', '201-0')
  assert.deepEqual(heard, ['200-1', '201-0'])
})

test('ids of another server say nothing about what came before: its entries are all told', async () => {
  const { heard, tell } = scene(Promise.resolve(upTo('one', '200-0')))
  tell('two', '100-0')
  await turn()
  tell('two', '150-0')
  assert.deepEqual(heard, ['100-0', '150-0'])
})

test('after a gap the ids of the same server say nothing either, whether they were known or just being asked for', async () => {
  const known = scene(Promise.resolve(upTo('one', '200-0')))
  await turn()
  known.subscribers.tellGap()
  known.tell('one', '100-0')
  await turn()
  assert.deepEqual(known.heard, ['100-0', 'gap'])

  const asking = Promise.withResolvers<Positions>()
  const late = scene(asking.promise)
  late.subscribers.tellGap()
  asking.resolve(upTo('one', '200-0'))
  await turn()
  late.tell('one', '100-0')
  assert.deepEqual(late.heard, ['gap', '100-0'])
})

test('where nobody can say how far the log had come, everything is told', async () => {
  const { heard, tell } = scene(Promise.reject(new Error('nobody answers')))
  tell('one', '100-0')
  await turn()
  assert.deepEqual(heard, ['100-0'])
})
