// Loaded into the gateway's process before it starts: answers how it feels, over the channel to the test that started it.
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface Vitals {
  readonly kind: 'vitals'
  /** Longest time the event loop was blocked since the last question, in milliseconds. */
  readonly longestBlockMs: number
  readonly rssBytes: number
}

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

process.on('message', (message: { readonly kind?: string }) => {
  if (message.kind !== 'vitals?') return
  const vitals: Vitals = { kind: 'vitals', longestBlockMs: delay.max / 1e6, rssBytes: process.memoryUsage.rss() }
  delay.reset()
  process.send?.(vitals)
})
process.channel?.unref()
