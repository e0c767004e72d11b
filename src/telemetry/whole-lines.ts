import type { DestinationStream } from 'pino'

/** What POSIX lets a write to a pipe put there in one piece (`PIPE_BUF` of Linux). */
const ATOMIC_BYTES = 4_096

/**
 * For a pipe that several processes write to: a batch of lines goes out in writes that are whole lines and small enough for no other
 * process to write in between. A single line that is longer goes out by itself.
 */
export function wholeLines(destination: DestinationStream): DestinationStream {
  return {
    write(text) {
      if (text.length * 3 <= ATOMIC_BYTES) {
        destination.write(text)
        return
      }
      let waiting = ''
      let size = 0
      for (const line of text.split(/(?<=\n)/)) {
        const bytes = Buffer.byteLength(line)
        if (size > 0 && size + bytes > ATOMIC_BYTES) {
          destination.write(waiting)
          waiting = ''
          size = 0
        }
        waiting += line
        size += bytes
      }
      if (size > 0) destination.write(waiting)
    },
  }
}
