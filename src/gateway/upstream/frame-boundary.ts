/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) by their lengths alone, to know whether a frame of our
 * own may be put in between. Reads no payload and inflates nothing.
 */
export class FrameBoundary {
  /** Payload bytes of the current frame that are still to come. */
  #remaining = 0
  // Numbers and no buffer for the header: a few bytes of the shared pool would keep a whole slab of it alive per tunnel.
  /** Bytes of the current header so far, and how many it will have as far as is known. */
  #have = 0
  #needed = 2
  /** Length as far as it was read, and where its bytes in the header end. */
  #length = 0
  #lengthEnd = 2

  /** No frame is under way: every one that started has ended. */
  get between(): boolean {
    return this.#remaining === 0 && this.#have === 0
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const step = Math.min(this.#remaining, chunk.length - at)
        this.#remaining -= step
        at += step
        continue
      }
      this.#header(chunk[at++] ?? 0)
    }
  }

  #header(byte: number): void {
    const index = this.#have++
    if (index === 1) this.#second(byte)
    else if (index > 1 && index < this.#lengthEnd) this.#length = this.#length * 256 + byte
    if (this.#have < 2 || this.#have < this.#needed) return
    this.#remaining = this.#length
    this.#have = 0
  }

  #second(byte: number): void {
    const length = byte & 0x7f
    this.#lengthEnd = length === 127 ? 10 : length === 126 ? 4 : 2
    this.#length = length > 125 ? 0 : length
    this.#needed = this.#lengthEnd + (byte & 0x80 ? 4 : 0)
  }
}

/** An unmasked Close frame, as a server sends it. `reason` is at most 123 bytes of ASCII. */
export function closeFrame(code: number, reason: string): Buffer {
  const frame = Buffer.alloc(4 + reason.length)
  frame[0] = 0x88
  frame[1] = 2 + reason.length
  frame.writeUInt16BE(code, 2)
  frame.write(reason, 4, 'latin1')
  return frame
}
