import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Server-sent events: the server's time at once and then with every tick, until the client leaves. */
export function streamEvents(response: ServerResponse, tickMs: number): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  let id = 0
  const tell = () => {
    id += 1
    response.write(`id: ${id}\nevent: time\ndata: ${JSON.stringify({ time: new Date().toISOString() })}\n\n`)
  }
  const timer = setInterval(tell, tickMs)
  response.on('close', () => clearInterval(timer))
  tell()
}

const MEGABYTE = 1_048_576
const CHUNK = Buffer.alloc(65_536, 'Gatehouse sample download. ')

/** A body of as many megabytes (0 to 4,096) with its length announced, made while it is sent. */
export async function streamLarge(response: ServerResponse, asked: string | null): Promise<void> {
  const bytes = Math.round(bounded(asked, { standard: 100, most: 4_096 }) * MEGABYTE)
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': bytes,
    'Content-Disposition': 'attachment; filename="large.bin"',
  })
  if (response.req.method === 'HEAD') {
    response.end()
    return
  }
  await pipeline(Readable.from(chunks(bytes), { objectMode: false }), response)
}

function* chunks(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= CHUNK.length) yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
}

/** Waits as many seconds (0 to 120) and returns them; `undefined` when the client left meanwhile. */
export async function waitSlowly(asked: string | null, response: ServerResponse): Promise<number | undefined> {
  const seconds = bounded(asked, { standard: 3, most: 120 })
  const left = new AbortController()
  response.on('close', () => left.abort())
  await delay(seconds * 1_000, undefined, { signal: left.signal }).catch(() => undefined)
  return left.signal.aborted ? undefined : seconds
}

function bounded(
  text: string | null,
  { standard, most }: { readonly standard: number; readonly most: number },
): number {
  const number = text === null || text.trim() === '' ? standard : Number(text)
  return Number.isFinite(number) ? Math.min(Math.max(number, 0), most) : standard
}
