import cluster from 'node:cluster'
import type { HandOver } from './hand-over.ts'

export interface ListenerAddress {
  readonly address: string
  readonly port: number
}

/** What a process tells its parent, once. */
export interface ListeningMessage {
  readonly kind: 'listening'
  readonly listeners: readonly ListenerAddress[]
}

/** The exit code, or the signal that ended it. */
export type Ending = number | NodeJS.Signals

/** One worker process. */
export interface Member {
  /** Never used again in the life of the parent. */
  readonly id: number
  readonly pid: number
  /** Settles when it listens; never, when it ends before. */
  readonly listening: Promise<readonly ListenerAddress[]>
  readonly ended: Promise<Ending>
  /** Passed over in silence when it has ended. */
  signal(name: NodeJS.Signals): void
}

/**
 * Starts this program again as a worker: same script, same arguments, same flags of Node. The parent accepts connections and deals
 * them out in turn.
 */
export function startMember(handOver: HandOver): Member {
  cluster.schedulingPolicy = cluster.SCHED_RR
  const worker = cluster.fork()
  const { process: child } = worker
  handOver.watch(child)
  // What is sent to a worker that was killed a moment ago; its end is heard of by itself. Unheard, this one would end the parent.
  worker.on('error', () => undefined)
  return {
    id: worker.id,
    pid: child.pid ?? 0,
    listening: new Promise((resolve) => {
      worker.on('message', (message: Partial<ListeningMessage> | undefined) => {
        if (message?.kind === 'listening' && message.listeners !== undefined) resolve(message.listeners)
      })
    }),
    ended: new Promise((resolve) => {
      worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => resolve(code ?? signal ?? 1))
    }),
    signal: (name) => void child.kill(name),
  }
}
