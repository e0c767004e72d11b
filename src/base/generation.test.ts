import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GenerationHolder, type Generation } from './generation.ts'

class Probe implements Generation {
  closed = 0
  readonly generation: number
  constructor(generation: number) {
    this.generation = generation
  }
  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

const unexpected = (error: unknown): void => assert.fail(String(error))

test('a request keeps the generation it acquired while a new one takes over', () => {
  const [first, second] = [new Probe(1), new Probe(2)]
  const holder = new GenerationHolder<Probe>(first, unexpected)
  const request = holder.acquire()
  holder.replace(second)
  assert.equal(request.current, first)
  assert.equal(holder.acquire().current, second)
  assert.equal(first.closed, 0)
})

test('a replaced generation closes once, after its last request', () => {
  const first = new Probe(1)
  const holder = new GenerationHolder<Probe>(first, unexpected)
  const requests = [holder.acquire(), holder.acquire()]
  holder.replace(new Probe(2))
  requests[0]?.release()
  requests[0]?.release()
  assert.equal(first.closed, 0, 'releasing twice counts once')
  requests[1]?.release()
  assert.equal(first.closed, 1)
})

test('a generation nobody holds closes at once when replaced, and not before', () => {
  const first = new Probe(1)
  const holder = new GenerationHolder<Probe>(first, unexpected)
  holder.acquire().release()
  assert.equal(first.closed, 0)
  holder.replace(new Probe(2))
  assert.equal(first.closed, 1)
})

test('a generation that fails to close is reported', async () => {
  const reported = Promise.withResolvers<unknown>()
  const failing: Generation = { generation: 1, close: () => Promise.reject(new Error('pool')) }
  const holder = new GenerationHolder<Generation>(failing, reported.resolve)
  holder.replace(new Probe(2))
  assert.match(String(await reported.promise), /pool/)
})
