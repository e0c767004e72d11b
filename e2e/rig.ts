import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../src/free-port.fixture.ts'
import { askAgain } from './asked-again.ts'
import { createMovableClock } from './movable-clock.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export type SiteName = 'login' | 'app' | 'pay' | 'club' | 'shop' | 'files'

interface Ready {
  readonly kind: 'ready'
  readonly port: number
  readonly sites: Readonly<Record<SiteName, string>>
  readonly gatewayPid: number
}

/** The whole sample system in processes of its own: gateway, applications, a store in a temporary directory. */
export interface Rig {
  readonly port: number
  readonly sites: Readonly<Record<SiteName, string>>
  readonly dataDir: string
  readonly gatewayPid: number
  /** Everything the gateway has written to standard output so far. */
  log(): string
  /** From now on the gateway's wall clock is wrong by so much. */
  moveClock(ms: number): Promise<void>
  /** Ends the gateway as a power cut would; settles when it is gone. */
  killHard(): Promise<void>
  /** Drains and stops; settles with the exit code. Rejects where explain says anything else than was enforced. */
  stop(): Promise<number | null>
}

function untilReady(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.once('message', (message) => resolve(message as Ready))
    child.once('exit', (code) =>
      reject(new Error(`the sample system ended with ${code} before it was ready\n${errors}`)),
    )
  })
}

/** Several rigs may use it, one after the other or at once: it is removed when the test's process ends. */
function newDataDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts on a free port, or again on the port and the data of an earlier rig. */
export async function startRig(again?: { readonly port?: number; readonly dataDir: string }): Promise<Rig> {
  const dataDir = again?.dataDir ?? newDataDir()
  const clock = createMovableClock()
  const asked = askAgain()
  const env = {
    ...process.env,
    PORT: String(again?.port ?? (await freePort())),
    HOST: '127.0.0.1',
    GATEHOUSE_DATA: dataDir,
    ...asked.env,
    ...clock.env,
    NODE_OPTIONS: `${JSON.stringify(clock.flag)} ${JSON.stringify(asked.flag)}`,
  }
  const child = spawn(process.execPath, [join(root, 'scripts/demo.ts')], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = await untilReady(child)
  return {
    ...ready,
    dataDir,
    log: () => readFileSync(join(dataDir, 'gatehouse.log'), 'utf8'),
    moveClock: (ms) => clock.move(ready.gatewayPid, ms),
    async killHard() {
      process.kill(ready.gatewayPid, 'SIGKILL')
      await ended
      clock.dispose()
      asked.check('')
    },
    async stop() {
      child.kill('SIGTERM')
      const code = await ended
      clock.dispose()
      // Two rigs on the same data write one log: what is in it says nothing of either.
      asked.check('')
      return code
    },
  }
}
