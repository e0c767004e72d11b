import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { until } from '../until.ts'
import { MIB, residentBytes, settledBytes, watchMemory } from './memory.ts'
import { startEnduranceRig, type EnduranceRig } from './rig.ts'

const COUNT = Number(process.env['ENDURANCE_SOCKETS'] ?? 1_000)
const MOST_EACH = 20 * 1_024

let rig: EnduranceRig

before(async () => {
  rig = await startEnduranceRig()
})

after(() => rig.stop())

async function openOne(cookie: string): Promise<WebSocket> {
  const { host, port, origin } = new URL(rig.at('/ws'))
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
    headers: { host, cookie, origin },
    perMessageDeflate: false,
  })
  await once(socket, 'open')
  socket.on('error', () => socket.terminate())
  return socket
}

const AT_ONCE = 50
const WARM_UP_ROUNDS = 10

async function openMany(count: number, cookie: string): Promise<WebSocket[]> {
  const open: WebSocket[] = []
  while (open.length < count) {
    const batch = Math.min(AT_ONCE, count - open.length)
    open.push(...(await Promise.all(Array.from({ length: batch }, () => openOne(cookie)))))
  }
  return open
}

async function echoes(sockets: readonly WebSocket[], text: string): Promise<void> {
  await Promise.all(
    sockets.map(async (socket, at) => {
      const answer = once(socket, 'message')
      socket.send(`${text} ${at}`)
      assert.equal(String((await answer)[0]), `${text} ${at}`)
    }),
  )
}

async function closeAll(sockets: readonly WebSocket[]): Promise<void> {
  await Promise.all(
    sockets.map(async (socket) => {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    }),
  )
  await until('the application sees them closed', () => rig.application.webSockets() === 0)
}

/** Code that runs for the first time takes memory, too, but not for each socket. */
async function warmUp(cookie: string): Promise<void> {
  for (let i = 0; i < WARM_UP_ROUNDS; i++) {
    const few = await openMany(AT_ONCE, cookie)
    await echoes(few, 'warm')
    await closeAll(few)
  }
}

test(`${COUNT} open WebSockets take at most ${MOST_EACH} bytes each, all of them work, and all end with the session`, async (t) => {
  const { client, cookie } = await rig.signIn()
  await warmUp(cookie)
  // Counted on top of some that are open: the first ones make tables and pools grow that the others fill.
  const some = await openMany(COUNT / 2, cookie)
  await echoes(some, 'some')
  const before = await settledBytes(rig.gateway.pid)
  const sockets = await openMany(COUNT, cookie)
  await echoes(sockets, 'first')
  const raw = (residentBytes(rig.gateway.pid) - before) / COUNT
  const each = ((await settledBytes(rig.gateway.pid)) - before) / COUNT
  t.diagnostic(`${each.toFixed()} bytes each; ${raw.toFixed()} before garbage was collected`)
  const all = [...some, ...sockets]
  await echoes(all, 'last')
  assert.equal(rig.application.webSockets(), all.length)
  assert.ok(each <= MOST_EACH, `${each.toFixed()} bytes each`)

  const codes = Promise.all(all.map(async (socket) => Number((await once(socket, 'close'))[0])))
  const { status } = await client.call(rig.at('/.gatehouse/logout'), {
    method: 'POST',
    headers: { origin: new URL(rig.at('/')).origin, 'sec-fetch-site': 'same-origin' },
  })
  assert.ok(status < 400, `logout: ${status}`)
  assert.deepEqual([...new Set(await codes)], [1_008])
  await until('the application sees them closed', () => rig.application.webSockets() === 0)
})

const HALT_MS = 2_000
const FLOOD = 256
const SMALL_FLOOD = 4
const WARM_UP_FLOODS = 16
/** Far from what waits, and above what a busy process has not collected yet. */
const MOST_GROWTH = 150 * MIB

/** So many messages of one MiB, all sent before the first answer is read. */
async function flood(socket: WebSocket, count: number, haltMs: number): Promise<void> {
  const arrived = new Promise<void>((resolve) => {
    let left = count
    socket.on('message', () => {
      if (--left === 0) resolve()
    })
  })
  socket.pause()
  for (let i = 0; i < count; i++) socket.send(Buffer.alloc(MIB))
  await pause(haltMs)
  socket.resume()
  await arrived
  socket.removeAllListeners('message')
}

test('what a WebSocket cannot deliver is never held: the sender waits', async (t) => {
  const { cookie } = await rig.signIn()
  const socket = await openOne(cookie)
  for (let i = 0; i < WARM_UP_FLOODS; i++) await flood(socket, SMALL_FLOOD, 0)
  const before = await settledBytes(rig.gateway.pid)
  const watch = watchMemory(rig.gateway.pid)
  await flood(socket, FLOOD, HALT_MS)
  const growth = `${((watch.stop() - before) / MIB).toFixed(1)} MiB more while ${FLOOD} MiB wait`
  t.diagnostic(growth)
  assert.ok(Number.parseFloat(growth) < MOST_GROWTH / MIB, growth)
  await closeAll([socket])
})
