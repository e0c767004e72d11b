import assert from 'node:assert/strict'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { ask } from '../load.ts'
import { drainChecked, pump, type Drained, type Pace } from './body.ts'
import { MIB, settledBytes, watchMemory } from './memory.ts'
import { startEnduranceRig, type EnduranceRig } from './rig.ts'

/** Of each body. A slice shows the same as the whole, as long as it is more than what may be held. */
const SIZE = Number(process.env['ENDURANCE_MIB'] ?? 128) * MIB
const MOST_GROWTH = 30 * MIB

/** Most that may be left of a transfer once it is over and garbage was collected: nothing beyond what small bodies take in passing. */
const MOST_KEPT = 0

const WARM_UP_REQUESTS = 300
/** Small bodies, or one that is held in warming up would make the room that a large one then hides in. */
const WARM_UP_SIZE = 8 * MIB
const WARM_UP_BODIES = 24

let rig: EnduranceRig
let cookie: string
/**
 * The most that the process takes while small bodies pass: code that ran for the first time has its memory, and the allocator keeps the room of
 * as many chunks as ever were garbage at once, which is chance, and the same for small bodies and for large ones.
 */
let used: number

before(async () => {
  rig = await startEnduranceRig()
  cookie = (await rig.signIn()).cookie
  for (let i = 0; i < WARM_UP_REQUESTS; i++) await ask({ url: rig.at('/'), cookie })
  const steady: Paces = { writer: 'steady', reader: 'steady' }
  const watch = watchMemory(rig.gateway.pid)
  for (let i = 0; i < WARM_UP_BODIES; i++)
    for (const transfer of Object.values(DIRECTIONS)) await transfer(steady, WARM_UP_SIZE)
  used = watch.stop()
})

after(() => rig.stop())

function open(method: string, path: string, headers: Readonly<Record<string, string | number>>) {
  const { host, port, pathname, search, origin } = new URL(rig.at(path))
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method,
    path: pathname + search,
    headers: { host, cookie, origin, 'sec-fetch-site': 'same-origin', ...headers },
    agent: false,
  })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  return { request, answer }
}

interface Paces {
  readonly writer: Pace
  readonly reader: Pace
}

async function upload(
  { writer, reader }: Paces,
  size: number,
  framed: Readonly<Record<string, number>>,
): Promise<Drained> {
  const { request, answer } = open('POST', `/upload?pace=${reader}`, framed)
  await Promise.all([pump(request, size, writer), answer])
  const incoming = await answer
  assert.equal(incoming.statusCode, 200)
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk)
  const seen = JSON.parse(text) as Drained & { readonly user: string }
  assert.equal(seen.user, 'erin')
  return seen
}

async function download({ writer, reader }: Paces, size: number): Promise<Drained> {
  const { request, answer } = open('GET', `/download?bytes=${size}&pace=${writer}`, {})
  request.end()
  const incoming = await answer
  assert.equal(incoming.statusCode, 200)
  return drainChecked(incoming, reader)
}

const DIRECTIONS = {
  'an upload': (paces: Paces, size: number) => upload(paces, size, { 'content-length': size }),
  'an upload in chunks': (paces: Paces, size: number) => upload(paces, size, {}),
  'a download': download,
}

const PACES: Readonly<Record<string, Paces>> = {
  'as fast as it goes': { writer: 'steady', reader: 'steady' },
  'to a reader that halts': { writer: 'steady', reader: 'halting' },
  'from a writer that halts': { writer: 'halting', reader: 'steady' },
}

for (const [direction, transfer] of Object.entries(DIRECTIONS)) {
  for (const [pace, paces] of Object.entries(PACES)) {
    test(`${direction} ${pace} passes whole and is never held: memory grows by less than ${MOST_GROWTH / MIB} MiB`, async (t) => {
      const watch = watchMemory(rig.gateway.pid)
      const started = performance.now()
      const { bytes, sound } = await transfer(paces, SIZE)
      const seconds = (performance.now() - started) / 1_000
      const grown = watch.stop() - used
      const growth = `${(grown / MIB).toFixed(1)} MiB above ${(used / MIB).toFixed(1)}`
      t.diagnostic(`${bytes / MIB} MiB in ${seconds.toFixed(1)} s; at most ${growth}`)
      assert.equal(bytes, SIZE)
      assert.ok(sound, 'every byte is the one that was sent')
      assert.ok(grown < MOST_GROWTH, growth)
      const kept = (await settledBytes(rig.gateway.pid)) - used
      assert.ok(kept < MOST_KEPT, `${(kept / MIB).toFixed(1)} MiB are kept of it`)
    })
  }
}
