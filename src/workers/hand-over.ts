import type { ChildProcess } from 'node:child_process'

/** What `ChildProcess.send` was called with. */
type Sent = readonly unknown[]

interface Receiver {
  readonly send: (...args: unknown[]) => boolean
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
  /** By connection: whom it was sent to last, which is another one when a worker that leaves has refused it. */
  const underWay = new Map<Handle, { readonly sent: Sent; readonly to: Receiver }>()

  const handOver = (sent: Sent, handle: Handle, to: Receiver): boolean => {
    for (const known of underWay.keys()) if (!isOpen(known)) underWay.delete(known)
    underWay.set(handle, { sent, to })
    return to.send(...sent)
  }
  const passOn = (from: Receiver): void => {
    const [other] = receivers
    for (const [handle, { sent, to }] of [...underWay]) {
      if (to !== from || !isOpen(handle)) continue
      underWay.delete(handle)
      if (other === undefined) handle.close()
      else handOver(sent, handle, other)
    }
  }
  return {
    watch(child) {
      const receiver: Receiver = { send: child.send.bind(child) as Receiver['send'] }
      receivers.add(receiver)
      child.send = (...args: unknown[]): boolean => {
        const handle = handleOf(args)
        return handle === undefined ? receiver.send(...args) : handOver(args, handle, receiver)
      }
      child.once('exit', () => receivers.delete(receiver))
      // Everything that the worker still said has been heard by then. Not `disconnect`: it does not come at all while a connection is
      // on its way to the worker.
      child.once('close', () => passOn(receiver))
    },
  }
}

interface Handle {
  /** Negative once it is closed, which the parent does when the worker took it. */
  readonly fd: number
  close(): void
}

const isOpen = ({ fd }: Handle): boolean => fd >= 0

function handleOf([, handle]: Sent): Handle | undefined {
  const isHandle = typeof handle === 'object' && handle !== null && 'fd' in handle && 'close' in handle
  return isHandle ? (handle as Handle) : undefined
}
