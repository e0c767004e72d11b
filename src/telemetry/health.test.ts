import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createHealth } from './health.ts'
import type { Log } from './log.ts'
import { createRequestIds } from './request-id.ts'

function recordingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const write = (fields: object, message: string): void => void lines.push(JSON.stringify([fields, message]))
  return { log: { error: write, warn: write, info: write, debug: write }, lines }
}

suite('health', () => {
  test('readiness hears of the store, liveness does not, and a notice fails neither', async () => {
    const health = createHealth(recordingLog())
    health.register({ name: 'loop', aspect: 'liveness', check: () => undefined })
    health.register({ name: 'store', aspect: 'readiness', check: () => Promise.reject(new Error('no')) })
    health.register({ name: 'configuration', aspect: 'notice', check: () => Promise.reject(new Error('bad reload')) })
    assert.deepEqual(await health.live(), { status: 'ok', checks: { loop: 'ok' } })
    assert.deepEqual(await health.ready(), {
      status: 'failing',
      checks: { loop: 'ok', store: 'failing', configuration: 'failing' },
    })
  })

  test('a notice alone leaves the process ready', async () => {
    const health = createHealth(recordingLog())
    health.register({ name: 'configuration', aspect: 'notice', check: () => Promise.reject(new Error('bad reload')) })
    assert.deepEqual(await health.ready(), { status: 'ok', checks: { configuration: 'failing' } })
  })

  test('a check that does not come back is timed out', async () => {
    const health = createHealth({ ...recordingLog(), timeoutMs: 1 })
    health.register({ name: 'store', aspect: 'readiness', check: () => new Promise(() => undefined) })
    assert.deepEqual(await health.ready(), { status: 'failing', checks: { store: 'timed-out' } })
  })

  test('why a check failed is logged once a change and never answered', async () => {
    const { log, lines } = recordingLog()
    const health = createHealth({ log })
    let well = false
    health.register({
      name: 'store',
      aspect: 'readiness',
      check() {
        if (!well) throw new Error('connect 10.0.0.7')
      },
    })
    assert.doesNotMatch(JSON.stringify(await health.ready()), /10\.0\.0\.7/)
    await health.ready()
    well = true
    await health.ready()
    await health.ready()
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as [object, string])[1]),
      ['a health check fails', 'a health check passes again'],
    )
  })

  test('the result of a check that costs something stands for a while, good or bad', async () => {
    let now = 0
    let runs = 0
    const health = createHealth({ ...recordingLog(), monotonic: () => now })
    const check = (): void => {
      if (++runs === 1) throw new Error('no')
    }
    const unregister = health.register({ name: 'store', aspect: 'readiness', freshForMs: 1_000, check })
    assert.equal((await health.ready()).status, 'failing')
    now = 999
    assert.equal((await health.ready()).status, 'failing')
    assert.equal(runs, 1)
    now = 1_000
    assert.equal((await health.ready()).status, 'ok')
    assert.equal(runs, 2)
    unregister()
    health.register({ name: 'store', aspect: 'readiness', freshForMs: 1_000, check })
    await health.ready()
    assert.equal(runs, 3, 'another check of that name is asked')
  })

  test('a flood of probes runs a check once', async () => {
    const health = createHealth(recordingLog())
    const gate = Promise.withResolvers<undefined>()
    let runs = 0
    health.register({
      name: 'store',
      aspect: 'readiness',
      check: async () => {
        runs++
        await gate.promise
      },
    })
    const probes = Array.from({ length: 50 }, () => health.ready())
    gate.resolve(undefined)
    await Promise.all(probes)
    assert.equal(runs, 1)
    await health.ready()
    assert.equal(runs, 2)
  })

  test('draining fails readiness at once and liveness never', async () => {
    const health = createHealth(recordingLog())
    health.drain()
    assert.equal((await health.ready()).status, 'failing')
    assert.equal((await health.live()).status, 'ok')
  })

  test('a check can be taken out, and a name is taken once', async () => {
    const health = createHealth(recordingLog())
    const remove = health.register({ name: 'x', aspect: 'readiness', check: () => undefined })
    assert.throws(() => health.register({ name: 'x', aspect: 'readiness', check: () => undefined }))
    remove()
    assert.deepEqual(await health.ready(), { status: 'ok', checks: {} })
  })
})

suite('request ids', () => {
  test('never repeat, within a process or between two', () => {
    const a = createRequestIds()
    const b = createRequestIds()
    const ids = new Set(Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? a() : b())))
    assert.equal(ids.size, 1_000)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9]+-[0-9a-z]+$/)
  })
})
