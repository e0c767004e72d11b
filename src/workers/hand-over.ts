import type { ChildProcess } from 'node:child_process'

/** What `ChildProcess.send` was called with. */
type Sent = readonly unknown[]

interface Receiver {
  /** Hands it over; remembered until the worker took it. */
  handOver(sent: Sent): boolean
}

/**
 * Looks after connections that are handed to a worker in the moment it is killed. Node leaves them open in the parent, where nobody
 * answers and nobody closes them, and their clients wait for ever. A worker gets the next connection of a listener once it took the
 * last, so there is one for each listener at most; it has read nothing of it, and another worker gets it with the same words.
 */
export interface HandOver {
  watch(child: ChildProcess): void
}

export function createHandOver(): HandOver {
  const receivers = new Set<Receiver>()
  return {
    watch(child) {
      const send = child.send.bind(child) as (...args: unknown[]) => boolean
      let pending: readonly Sent[] = []
      const receiver: Receiver = {
        handOver(sent) {
          pending = [...pending.filter(isOpen), sent]
          return send(...sent)
        },
      }
      receivers.add(receiver)
      child.send = (...args: unknown[]): boolean => (isOpen(args) ? receiver.handOver(args) : send(...args))
      child.once('exit', () => receivers.delete(receiver))
      // Everything that the worker still said has been heard by then. Not `disconnect`: it does not come at all while a connection is
      // on its way to the worker.
      child.once('close', () => passOn(pending.filter(isOpen), receivers))
    },
  }
}

interface Handle {
  /** Negative once it is closed, which the parent does when the worker took it. */
  readonly fd: number
  close(): void
}

function handleOf([, handle]: Sent): Handle | undefined {
  const isHandle = typeof handle === 'object' && handle !== null && 'fd' in handle && 'close' in handle
  return isHandle ? (handle as Handle) : undefined
}

function isOpen(sent: Sent): boolean {
  const handle = handleOf(sent)
  return handle !== undefined && handle.fd >= 0
}

function passOn(lost: readonly Sent[], receivers: ReadonlySet<Receiver>): void {
  const [other] = receivers
  for (const sent of lost) {
    if (other === undefined) handleOf(sent)?.close()
    else other.handOver(sent)
  }
}
