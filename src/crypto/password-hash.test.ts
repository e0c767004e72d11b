import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseOptions } from '@node-rs/argon2'
import { GatehouseError } from '../errors.ts'
import { acceptablePassword, createPasswordHasher, isPasswordHash } from './password-hash.ts'

const hasher = createPasswordHasher()

test('a hash is argon2id with 19 MiB, two passes and one lane, salted anew each time', async () => {
  const [one, two] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')])
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(one, two)
  assert.ok(isPasswordHash(one))
})

test('the right password passes and near ones do not', async () => {
  const stored = await hasher.hash('correct horse')
  assert.equal(await hasher.verify(stored, 'correct horse'), true)
  for (const wrong of ['correct hors', 'correct horse ', 'Correct horse', '', ' ']) {
    assert.equal(await hasher.verify(stored, wrong), false, JSON.stringify(wrong))
  }
})

test('a password does not end at a NUL', async () => {
  const stored = await hasher.hash('secret\0tail')
  assert.equal(await hasher.verify(stored, 'secret\0tail'), true)
  assert.equal(await hasher.verify(stored, 'secret'), false)
  assert.equal(await hasher.verify(stored, 'secret\0other'), false)
})

test('a long password counts to its last byte, and 1,025 bytes are no password', async () => {
  const long = 'x'.repeat(1_023)
  const stored = await hasher.hash(`${long}a`)
  assert.equal(await hasher.verify(stored, `${long}a`), true)
  assert.equal(await hasher.verify(stored, `${long}b`), false)
  assert.equal(await hasher.verify(stored, `${long}aa`), false)
  await assert.rejects(hasher.hash(`${long}aa`), RangeError)
})

test('UAX #15: a password typed composed and decomposed is one password', async () => {
  const stored = await hasher.hash('caf\u00e9')
  assert.equal(await hasher.verify(stored, 'cafe\u0301'), true)
  assert.equal(await hasher.verify(stored, 'cafe'), false)
})

test('text that cannot be a password is refused: empty, lone surrogates, a megabyte', () => {
  for (const text of ['', '\ud800', 'x'.repeat(1_000_000), '€'.repeat(342)])
    assert.equal(acceptablePassword(text), false)
  for (const text of [' ', '\0', '€'.repeat(341), '😀']) assert.equal(acceptablePassword(text), true)
})

test('two lone surrogates are not one password', async () => {
  const stored = await hasher.hash('\ufffd')
  assert.equal(await hasher.verify(stored, '\ud800'), false)
})

test('stored texts that are no acceptable argon2id hash verify nothing', async () => {
  const right = await hasher.hash('pw')
  const weak = right.replace('argon2id', 'argon2d')
  assert.equal(await hasher.verify(right, 'pw'), true)
  const bad = [
    '',
    'pw',
    '$argon2id$',
    weak,
    '$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$' + 'A'.repeat(43),
  ]
  for (const stored of bad) {
    assert.equal(isPasswordHash(stored), false, stored)
    assert.equal(await hasher.verify(stored, 'pw'), false)
  }
})

test('an unknown user costs what a known one costs: same work, same memory', async () => {
  const stored = await hasher.hash('something')
  const { memoryCost, timeCost, parallelism, outputLen, saltLen } = parseOptions(stored)
  assert.deepEqual([memoryCost, timeCost, parallelism, outputLen, saltLen], [19_456, 2, 1, 32, 16])
  /** Of the processor: what else runs on the machine makes hashes wait, and they wait first. */
  const microseconds = async (run: () => Promise<unknown>): Promise<number> => {
    const start = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  // In turns, and the shortest of each: a cache that others emptied makes a run longer, never shorter.
  const nothings = ['wrong', '', 'x'.repeat(5_000)]
  const shortest = { known: Infinity, unknown: nothings.map(() => Infinity) }
  for (let round = 0; round < 9; round++) {
    shortest.known = Math.min(shortest.known, await microseconds(() => hasher.verify(stored, 'wrong')))
    for (const [i, nothing] of nothings.entries()) {
      const took = await microseconds(() => hasher.verifyNothing(nothing))
      shortest.unknown[i] = Math.min(shortest.unknown[i] ?? Infinity, took)
    }
  }
  for (const unknown of shortest.unknown) {
    assert.ok(unknown > shortest.known / 3 && unknown < shortest.known * 3, `${unknown} against ${shortest.known}`)
  }
})

test('only so many hashes run at once, the next wait in order, and the rest are GH_BUSY', async () => {
  const narrow = createPasswordHasher({ concurrency: 1, queue: 2 })
  const finished: number[] = []
  const run = (i: number): Promise<number> => narrow.verifyNothing('x').then(() => finished.push(i))
  const [first, second, third] = [run(1), run(2), run(3)]
  await assert.rejects(run(4), (caught) => caught instanceof GatehouseError && caught.code === 'GH_BUSY')
  assert.equal(narrow.hasRoom(), false)
  await Promise.all([first, second, third])
  assert.deepEqual(finished, [1, 2, 3])
  assert.equal(narrow.hasRoom(), true)
  await narrow.verifyNothing('x')
})

test('passwords from one network do not keep those from others waiting, right or wrong, of anybody or nobody', async () => {
  const narrow = createPasswordHasher({ concurrency: 1, queue: 3 })
  const stored = await narrow.hash('right')
  const finished: string[] = []
  const busy = (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_BUSY'
  const nothing = (from: string) => narrow.verifyNothing('x', from).then(() => finished.push(from))
  const flood = [nothing('flood'), nothing('flood'), nothing('flood'), nothing('flood')]
  assert.equal(narrow.hasRoom('flood'), false)
  assert.equal(narrow.hasRoom('home'), true)
  const home = narrow.verify(stored, 'right', 'home').then((right) => finished.push(`home ${right}`))
  await assert.rejects(flood.pop() ?? home, busy)
  await Promise.all([...flood, home])
  assert.deepEqual(finished, ['flood', 'flood', 'home true', 'flood'])
})

test('a job that fails gives its place back', async () => {
  const narrow = createPasswordHasher({ concurrency: 1, queue: 0 })
  await assert.rejects(narrow.hash(''), RangeError)
  for (let i = 0; i < 3; i++) await narrow.hash('fine')
})

test('hashes give way to requests: their threads, and no others, run at a lower priority', async () => {
  const two = createPasswordHasher({ concurrency: 2 })
  await Promise.all([two.verifyNothing('x'), two.verifyNothing('x')])
  const niceness = readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    // proc(5): the name in parentheses may contain blanks; nice is the 19th field.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
  const ours = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16])
  const lower = niceness.filter((nice) => nice !== ours)
  assert.ok(lower.length >= 2, `${lower.length} threads of lower priority`)
  assert.deepEqual([...new Set(lower)], [Math.min(19, ours + 10)])
})
