import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '../../store/store.ts'
import { durable, update } from './records.ts'
import { sweep } from './sweep.ts'

/** Documents in memory, as the contract of the store has them. */
function createBench() {
  const content = new Map<string, Document>()
  const time = { now: 1_000 }
  const documents = {
    get: (_collection: string, id: string) => Promise.resolve(content.get(id)),
    list: () => Promise.resolve([...content.values()]),
    page: () => Promise.resolve({ documents: [...content.values()], next: undefined }),
    putIfAbsent(_collection: string, id: string, value: string) {
      if (content.has(id)) return Promise.resolve(false)
      content.set(id, { id, version: 1, value })
      return Promise.resolve(true)
    },
    replace(_collection: string, id: string, version: number, value: string) {
      if (content.get(id)?.version !== version) return Promise.resolve(false)
      content.set(id, { id, version: version + 1, value })
      return Promise.resolve(true)
    },
    remove: (_collection: string, id: string) => Promise.resolve(void content.delete(id)),
  }
  const clock = () => time.now as never
  return {
    content,
    time,
    clock,
    store: { documents, leases: undefined as never },
    shelf: durable({ documents }, clock),
  }
}

test('what outlives sessions counts until its time is over, and is removed then', async () => {
  const { content, time, clock, store, shelf } = createBench()
  await shelf.create('short', 'a', 100)
  await shelf.create('long', 'b', 10_000)
  time.now += 100
  assert.equal(await shelf.load('short'), undefined)
  assert.equal((await shelf.load('long'))?.value, 'b')
  assert.equal(await sweep({ store, clock }), 1)
  assert.deepEqual([...content.keys()], ['long'])
})

test('a change that somebody gets in before is made of what they wrote', async () => {
  const { shelf } = createBench()
  let first = true
  await update(shelf, 'key', {
    ttlMs: 1_000,
    change: (value) => {
      if (first) void shelf.create('key', 'theirs', 1_000)
      first = false
      return `${value ?? ''} ours`
    },
  })
  assert.equal((await shelf.load('key'))?.value, 'theirs ours')
})
