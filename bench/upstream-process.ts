// The application behind every proxy of a run: one page of 1 KiB, and a count of what arrived.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const PAGE = Buffer.alloc(1_024, '<p>order</p>\n')
const counts = { requests: 0, identified: 0, asserted: 0 }

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  counts.requests++
  if (request.headers['x-remote-user'] !== undefined) counts.identified++
  if (request.headers['x-gatehouse-assertion'] !== undefined) counts.asserted++
  response
    .writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': PAGE.length,
      etag: '"5f3c9"',
      'x-content-type-options': 'nosniff',
      'set-cookie': 'cart=7; Path=/',
    })
    .end(PAGE)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => process.send?.(counts))
