// Loaded into the gateway's process before it starts: answers how it feels, over the channel to the test that started it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Vitals {
  readonly kind: 'vitals'
  /** Longest time the event loop was blocked since the last question, in milliseconds. */
  readonly longestBlockMs: number
  readonly rssBytes: number
}

/** What the test may ask of the process. */
export interface VitalsQuestion {
  readonly kind: 'vitals?'
  /** Collect garbage first, so that only what is kept counts. */
  readonly collect: boolean
  /** From now on the wall clock is wrong by this much. */
  readonly clockOffsetMs: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

const trueTime = Date.now
let offset = Number(process.env['CLOCK_OFFSET_MS'] ?? 0)
Date.now = () => trueTime() + offset

process.on('message', (message: Partial<VitalsQuestion>) => {
  if (message.kind !== 'vitals?') return
  const longestBlockMs = delay.max / 1e6
  offset = message.clockOffsetMs ?? offset
  if (message.collect === true) collectGarbage()
  const vitals: Vitals = { kind: 'vitals', longestBlockMs, rssBytes: process.memoryUsage.rss() }
  delay.reset()
  process.send?.(vitals)
})
process.channel?.unref()
