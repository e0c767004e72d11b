import type { ChildProcess } from 'node:child_process'

type Send = (...args: unknown[]) => boolean

interface Receiver {
  readonly send: Send
  /** What was sent last with a connection. */
  last: readonly unknown[]
}

/**
 * Looks after connections that are handed to a worker in the moment it is killed. Node leaves them open in the parent, where nobody
 * answers and nobody closes them, and their clients wait for ever. A worker gets its next connection once it took the last, so there
 * is one at most; it has read nothing of it, and another worker gets it with the same words.
 */
export interface HandOver {
  watch(child: ChildProcess): void
}

export function createHandOver(): HandOver {
  const receivers = new Set<Receiver>()
  return {
    watch(child) {
      const receiver: Receiver = { send: child.send.bind(child) as Send, last: [] }
      receivers.add(receiver)
      child.send = (...args: unknown[]): boolean => {
        if (handleOf(args) !== undefined) receiver.last = args
        return receiver.send(...args)
      }
      // After everything that the worker still said has been heard.
      child.once('disconnect', () => {
        receivers.delete(receiver)
        passOn(receiver.last, receivers)
      })
    },
  }
}

interface Handle {
  /** Negative once it is closed, which the parent does when the worker took it. */
  readonly fd: number
  close(): void
}

function handleOf([, handle]: readonly unknown[]): Handle | undefined {
  const isHandle = typeof handle === 'object' && handle !== null && 'fd' in handle && 'close' in handle
  return isHandle ? (handle as Handle) : undefined
}

function passOn(last: readonly unknown[], receivers: ReadonlySet<Receiver>): void {
  const handle = handleOf(last)
  if (handle === undefined || handle.fd < 0) return
  const [other] = receivers
  if (other === undefined) handle.close()
  else other.send(...last)
}
