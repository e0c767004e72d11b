import { close, mkdirSync, openSync, write } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { DestinationStream } from 'pino'

const writeTo = promisify<number, Uint8Array, { bytesWritten: number }>((fd, bytes, done) => {
  write(fd, bytes, 0, bytes.byteLength, null, (error, bytesWritten) => done(error, { bytesWritten }))
})
const closeFile = promisify(close)

/** A file that only grows. Writes are queued, go out in order and in as few calls as possible, and never block or throw. */
export interface AppendFile extends DestinationStream {
  /** Tries once more to write what waits, then closes. Never rejects. */
  close(): Promise<void>
}

export interface AppendFileOptions {
  readonly file: string
  /** Bytes that may wait for a slow or full disk; what comes beyond them is dropped. */
  readonly maxWaiting: number
  readonly onError: (error: unknown) => void
  readonly onDrop: () => void
}

/** Creates the file, where it does not exist, for its owner alone (0600). Throws when it cannot be opened. */
export function openAppendFile({ file, maxWaiting, onError, onDrop }: AppendFileOptions): AppendFile {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fd = openSync(file, 'a', 0o600)
  let waiting: Uint8Array[] = []
  let size = 0
  let pump: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      let chunk: Uint8Array = Buffer.concat(waiting)
      waiting = []
      try {
        while (chunk.byteLength > 0) {
          const { bytesWritten } = await writeTo(fd, chunk)
          chunk = chunk.subarray(bytesWritten)
          size -= bytesWritten
        }
      } catch (error) {
        waiting.unshift(chunk)
        onError(error)
        return
      }
    }
  }
  const start = (): Promise<void> => {
    pump ??= drain().finally(() => {
      pump = undefined
    })
    return pump
  }

  return {
    write(text) {
      const bytes = Buffer.from(text)
      if (size + bytes.byteLength > maxWaiting) {
        onDrop()
        return
      }
      waiting.push(bytes)
      size += bytes.byteLength
      void start()
    },
    async close() {
      await start()
      if (waiting.length > 0) await start()
      await closeFile(fd).catch(onError)
    },
  }
}
