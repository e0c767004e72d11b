// Loaded into the gateway's process before it starts: answers how it feels, over the channel to the test that started it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Vitals {
  readonly kind: 'vitals'
  /**
   * Longest time that the event loop computed without looking up since the last question, in milliseconds of its thread: a machine
   * that has others to serve too blocks nobody.
   */
  readonly longestBlockMs: number
  /** Longest time by the clock on the wall that it looked at nothing, for whatever reason. */
  readonly longestStallMs: number
  readonly rssBytes: number
  /** The costs of the passwords that threads were asked to compare since the last question, as their hashes write them. */
  readonly compared: readonly string[]
}

/** What the test may ask of the process. */
export interface VitalsQuestion {
  readonly kind: 'vitals?'
  /** Collect garbage first, so that only what is kept counts. */
  readonly collect: boolean
  /** From now on the wall clock is wrong by this much. */
  readonly clockOffsetMs: number
  /** From now on the wall clock stands still at this time, or is right again. */
  readonly clockHeldAt: number | 'not'
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const delay = monitorEventLoopDelay({ resolution: 20 })
delay.enable()

const spent = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
let longestBlockMs = 0
let lookedUpAt = spent()
const lookUp = (): void => {
  const now = spent()
  longestBlockMs = Math.max(longestBlockMs, now - lookedUpAt)
  lookedUpAt = now
}
setInterval(lookUp, 20).unref()

let compared: string[] = []
const threads: { postMessage: (this: Worker, job: { readonly stored?: unknown }, ...more: []) => void } =
  Worker.prototype
const post = threads.postMessage
threads.postMessage = function (job, ...more) {
  if (typeof job.stored === 'string') compared.push(job.stored.split('$', 4).join('$'))
  post.call(this, job, ...more)
}

const trueTime = Date.now
let offset = Number(process.env['CLOCK_OFFSET_MS'] ?? 0)
let heldAt: number | undefined
Date.now = () => (heldAt ?? trueTime()) + offset

process.on('message', (message: Partial<VitalsQuestion>) => {
  if (message.kind !== 'vitals?') return
  lookUp()
  offset = message.clockOffsetMs ?? offset
  if (message.clockHeldAt !== undefined) heldAt = message.clockHeldAt === 'not' ? undefined : message.clockHeldAt
  if (message.collect === true) collectGarbage()
  const rssBytes = process.memoryUsage.rss()
  const vitals: Vitals = { kind: 'vitals', longestBlockMs, longestStallMs: delay.max / 1e6, rssBytes, compared }
  process.send?.(vitals)
  compared = []
  delay.reset()
  longestBlockMs = 0
  lookedUpAt = spent()
})
process.channel?.unref()
// A test that was killed stops nothing. A gateway that is told to stop closes the channel, too, and has its time for that.
process.once('disconnect', () => setTimeout(() => process.exit(1), 30_000).unref())
