import assert from 'node:assert/strict'
import { at, times, wins, type Rule } from './scene.ts'

export function oneTimeRules(rule: Rule): void {
  rule('a value can be taken once', async ({ store }) => {
    assert.equal(await store.oneTime.put('code', 'k', 'v', 1_000), true)
    assert.equal(await store.oneTime.take('code', 'k'), 'v')
    assert.equal(await store.oneTime.take('code', 'k'), undefined)
    assert.equal(await store.oneTime.put('code', 'k', 'v2', 1_000), true)
  })

  rule('a key that is there already keeps its value', async ({ store }) => {
    await store.oneTime.put('code', 'k', 'first', 1_000)
    assert.equal(await store.oneTime.put('code', 'k', 'second', 1_000), false)
    assert.equal(await store.oneTime.take('code', 'k'), 'first')
  })

  rule('a value is gone after its time, and its key is free again', async ({ store, clock }) => {
    await store.oneTime.put('code', 'k', 'old', 1_000)
    await store.oneTime.put('code', 'untaken', 'old', 1_000)
    clock.advance(999)
    assert.equal(await store.oneTime.put('code', 'k', 'new', 1_000), false)
    clock.advance(1)
    assert.equal(await store.oneTime.take('code', 'untaken'), undefined)
    assert.equal(await store.oneTime.put('code', 'k', 'new', 1_000), true)
    assert.equal(await store.oneTime.take('code', 'k'), 'new')
  })

  rule('namespaces are apart, whatever characters names and keys hold', async ({ store }) => {
    const names = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'B:c'],
      ['', 'a:b:c'],
      ['{a}', 'ü\n"'],
    ] as const
    for (const [namespace, key] of names) assert.equal(await store.oneTime.put(namespace, key, key, 1_000), true)
    for (const [namespace, key] of names) assert.equal(await store.oneTime.take(namespace, key), key)
  })

  rule('of 100 parallel takes by two processes one gets the value', async ({ store, open }) => {
    const other = await open()
    await store.oneTime.put('code', 'k', 'v', 1_000)
    const answers = await Promise.all(times(100, (i) => (i % 2 ? store : other).oneTime.take('code', 'k')))
    assert.deepEqual(
      answers.filter((value) => value !== undefined),
      ['v'],
    )
  })

  rule('of 100 parallel puts by two processes one is first', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).oneTime.put('code', 'k', `${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
    assert.equal(await store.oneTime.take('code', 'k'), `${answers.indexOf(true)}`)
  })
}

export function versionedRules(rule: Rule): void {
  rule('versions start at 1 and count each replacement', async ({ store }) => {
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.create('journey', 'k', 'one', 1_000), true)
    assert.equal(await store.versioned.create('journey', 'k', 'again', 1_000), false)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'one', version: 1 })
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), true)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'two', version: 2 })
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'late', 1_000), false)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'two', version: 2 })
  })

  rule('a removed record cannot be loaded or replaced; removing again is no fault', async ({ store }) => {
    await store.versioned.create('journey', 'k', 'one', 1_000)
    await store.versioned.remove('journey', 'k')
    await store.versioned.remove('journey', 'k')
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), false)
  })

  rule('a record ends after its time; a replacement gives it a new one', async ({ store, clock }) => {
    await store.versioned.create('journey', 'k', 'one', 1_000)
    clock.advance(900)
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), true)
    clock.advance(999)
    assert.equal((await store.versioned.load('journey', 'k'))?.value, 'two')
    clock.advance(1)
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.replace('journey', 'k', 2, 'three', 1_000), false)
    assert.equal(await store.versioned.create('journey', 'k', 'anew', 1_000), true)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'anew', version: 1 })
  })

  rule('namespaces are apart', async ({ store }) => {
    await store.versioned.create('a', 'bc', '1', 1_000)
    assert.equal(await store.versioned.create('ab', 'c', '2', 1_000), true)
    await store.versioned.remove('ab', 'c')
    assert.equal((await store.versioned.load('a', 'bc'))?.value, '1')
    await store.oneTime.put('a', 'bc', 'other kind', 1_000)
    assert.equal((await store.versioned.load('a', 'bc'))?.value, '1')
  })

  rule('of 100 parallel replacements of one version one wins', async ({ store, open }) => {
    const other = await open()
    await store.versioned.create('journey', 'k', 'one', 1_000)
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).versioned.replace('journey', 'k', 1, `${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
    assert.deepEqual(await other.versioned.load('journey', 'k'), { value: `${answers.indexOf(true)}`, version: 2 })
  })
}

export function counterRules(rule: Rule): void {
  rule('a window starts with the first count and is not moved by later ones', async ({ store, clock }) => {
    assert.equal(await store.counters.read('k'), undefined)
    assert.deepEqual(await store.counters.add('k', 1, 1_000), { count: 1, resetsAt: at(1_000) })
    clock.advance(999)
    assert.deepEqual(await store.counters.add('k', 2, 5_000), { count: 3, resetsAt: at(1_000) })
    assert.deepEqual(await store.counters.read('k'), { count: 3, resetsAt: at(1_000) })
    clock.advance(1)
    assert.equal(await store.counters.read('k'), undefined)
    assert.deepEqual(await store.counters.add('k', 1, 1_000), { count: 1, resetsAt: at(2_000) })
  })

  rule('a cleared counter starts anew; others stay', async ({ store }) => {
    await store.counters.add('k', 5, 1_000)
    await store.counters.add('l', 5, 1_000)
    await store.counters.clear('k')
    assert.equal(await store.counters.read('k'), undefined)
    assert.equal((await store.counters.add('k', 1, 1_000)).count, 1)
    assert.equal((await store.counters.read('l'))?.count, 5)
  })

  rule('no count is lost or given out twice among 100 parallel ones of two processes', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(times(100, (i) => (i % 2 ? store : other).counters.add('k', 1, 1_000)))
    assert.deepEqual(
      answers.map(({ count }) => count).sort((a, b) => a - b),
      times(100, (i) => i + 1),
    )
  })
}

export function leaseRules(rule: Rule): void {
  rule('one owner holds a lease until it is over, and may renew it', async ({ store, clock }) => {
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), true)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    assert.equal(await store.leases.acquire('rotation', 'p2', 1_000), true)
    clock.advance(900)
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), true)
    clock.advance(999)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    clock.advance(1)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), true)
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), false)
  })

  rule('only its holder releases a lease', async ({ store }) => {
    await store.leases.acquire('reaper', 'p1', 1_000)
    for (const owner of ['p0', 'p2']) await store.leases.release('reaper', owner)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    await store.leases.release('reaper', 'p1')
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), true)
  })

  rule('of 50 processes that ask at once one gets the lease', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(
      times(50, (i) => (i % 2 ? store : other).leases.acquire('reaper', `p${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
  })
}
