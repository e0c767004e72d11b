import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the range that systems give to outgoing connections and to port 0 (32768 and up on Linux, 49152 elsewhere): a port from there
 * may be somebody's before the program that is to have it listens.
 */
const [LOWEST, END] = [10_000, 32_000]

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1')
  try {
    await once(probe, 'listening')
    await once(probe.close(), 'close')
    return true
  } catch {
    return false
  }
}

const given = new Set<number>()

/**
 * A port for a program that has to be told one. No two calls in a process give the same.
 * @param beside what has to be free, too: the port and so much more
 */
export async function freePort(beside = 0): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, END - beside)
    if (given.has(port) || given.has(port + beside)) continue
    if (!(await isFree(port)) || (beside > 0 && !(await isFree(port + beside)))) continue
    given.add(port).add(port + beside)
    return port
  }
}
