import type { IncomingMessage } from 'node:http'
import type { Received } from './pages.ts'

/** Bodies are counted whole and kept up to this many bytes. */
const KEPT = 262_144

/** Reads a body to its end; fields only of an ordinary form that fits. */
export async function readForm(request: IncomingMessage): Promise<Received> {
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= KEPT) kept.push(chunk)
  }
  const contentType = request.headers['content-type'] ?? ''
  const shown = bytes <= KEPT && contentType.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
  const fields = shown ? [...new URLSearchParams(Buffer.concat(kept).toString('utf8'))] : []
  return { contentType, bytes, fields }
}
