import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFairQueue } from './fair-queue.ts'

const full = new Error('full')

/** A queue with one place that is taken, and what became of the jobs behind it. */
function scene({ waiting }: { readonly waiting: number }) {
  const queue = createFairQueue({ running: 1, waiting, refusal: () => full })
  const ran: string[] = []
  const refused: string[] = []
  let free = (): void => undefined
  const first = queue.run('first', () => new Promise<void>((resolve) => (free = resolve)))
  const all: Promise<unknown>[] = [first]
  const add = (name: string, from = name.slice(0, -1)): void => {
    const job = queue.run(from, () => Promise.resolve(ran.push(name)))
    const noteRefusal = (error: unknown): void => {
      assert.equal(error, full)
      refused.push(name)
    }
    all.push(job.catch(noteRefusal))
  }
  const finish = async (): Promise<void> => {
    free()
    await Promise.all(all)
  }
  return { queue, ran, refused, add, finish }
}

test('jobs of one party run in order of arrival, those of several by turns', async () => {
  const { ran, refused, add, finish } = scene({ waiting: 10 })
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) add(name)
  await finish()
  assert.deepEqual(ran, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  assert.deepEqual(refused, [])
})

test('one party may have all places that nobody else wants, and is refused beyond them', async () => {
  const { queue, ran, refused, add, finish } = scene({ waiting: 3 })
  for (const name of ['a1', 'a2', 'a3']) {
    assert.ok(queue.hasRoom('a'))
    add(name)
  }
  assert.equal(queue.hasRoom('a'), false)
  add('a4')
  await finish()
  assert.deepEqual(ran, ['a1', 'a2', 'a3'])
  assert.deepEqual(refused, ['a4'])
})

test('who floods the queue makes room for others, with its last job, until all have as many', async () => {
  const { queue, ran, refused, add, finish } = scene({ waiting: 4 })
  for (const name of ['a1', 'a2', 'a3', 'a4']) add(name)
  assert.ok(queue.hasRoom('b'))
  for (const name of ['b1', 'b2']) add(name)
  assert.equal(queue.hasRoom('b'), false, 'they have as many')
  assert.ok(queue.hasRoom('c'))
  for (const name of ['b3', 'a5']) add(name)
  await finish()
  assert.deepEqual(ran, ['a1', 'b1', 'a2', 'b2'])
  assert.deepEqual(refused.sort(), ['a3', 'a4', 'a5', 'b3'])
})

test('parties with one job each take no place from each other', async () => {
  const { ran, refused, add, finish } = scene({ waiting: 2 })
  for (const name of ['a1', 'b1', 'c1']) add(name)
  await finish()
  assert.deepEqual([ran, refused], [['a1', 'b1'], ['c1']])
})

test('a job that fails gives its place on, and an empty queue takes jobs at once', async () => {
  const queue = createFairQueue({ running: 1, waiting: 1, refusal: () => full })
  const failing = queue.run('a', () => Promise.reject(new Error('broken')))
  const next = queue.run('b', () => Promise.resolve('fine'))
  await assert.rejects(failing, /broken/)
  assert.equal(await next, 'fine')
  assert.equal(await queue.run('c', () => Promise.resolve('fine, too')), 'fine, too')
})
