/** A worker for the tests of `hand-over.ts`. */
import { createServer, type AddressInfo } from 'node:net'

const ports: number[] = []
for (const _ of [1, 2]) {
  const server = createServer((socket) => socket.end(String(process.pid)))
  server.listen(0, '127.0.0.1', () => {
    ports.push((server.address() as AddressInfo).port)
    if (ports.length === 2) process.send?.(ports)
  })
}
process.on('message', () => {
  process.send?.('halted', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
})
