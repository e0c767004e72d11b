import { randomBytes } from 'node:crypto'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** `halting`: nothing at all for a while, then bursts with pauses in between. */
export type Pace = 'steady' | 'halting'

const FIRST_HALT_MS = 1_000
const HALT_MS = 50
const BURST = 16 * 1_024 * 1_024

/** Repeated for ever it is every body that is sent here, so that a byte that is lost, doubled or changed is seen. */
const PATTERN = randomBytes(64 * 1_024)
const TWICE = Buffer.concat([PATTERN, PATTERN])

/** Writes so many bytes and ends, waiting whenever the stream says so; rejects when nobody takes them any more. */
export function pump(into: Writable, bytes: number, pace: Pace): Promise<void> {
  return pipeline(Readable.from(pieces(bytes, pace), { objectMode: false }), into)
}

async function* pieces(bytes: number, pace: Pace): AsyncGenerator<Buffer> {
  const halts = new Halts(pace)
  for (let sent = 0; sent < bytes; sent += PATTERN.length) {
    await halts.at(sent)
    yield PATTERN.subarray(0, bytes - sent)
  }
}

export interface Drained {
  readonly bytes: number
  /** Every byte was the right one. */
  readonly sound: boolean
}

/** Reads to the end; rejects when the stream breaks off. */
export async function drainChecked(from: Readable, pace: Pace): Promise<Drained> {
  const halts = new Halts(pace)
  let [bytes, sound] = [0, true]
  await halts.at(0)
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += PATTERN.length) {
      const piece = chunk.subarray(at, at + PATTERN.length)
      const start = (bytes + at) % PATTERN.length
      sound &&= piece.equals(TWICE.subarray(start, start + piece.length))
    }
    bytes += chunk.length
    await halts.at(bytes)
  }
  return { bytes, sound }
}

class Halts {
  readonly #pace: Pace
  #next = 0

  constructor(pace: Pace) {
    this.#pace = pace
  }

  async at(position: number): Promise<void> {
    if (this.#pace === 'steady' || position < this.#next) return
    await pause(this.#next === 0 ? FIRST_HALT_MS : HALT_MS)
    this.#next += BURST
  }
}
