/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2) by their lengths alone, to know whether a frame of our
 * own may be put in between. Reads no payload and inflates nothing.
 */
export class FrameBoundary {
  /** Payload bytes of the current frame that are still to come. */
  #remaining = 0
  readonly #header = Buffer.allocUnsafe(14)
  #have = 0

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
      this.#header[this.#have++] = chunk[at++] ?? 0
      if (this.#have >= 2 && this.#have === this.#headerLength()) this.#startPayload()
    }
  }

  #headerLength(): number {
    const second = this.#header[1] ?? 0
    const length = second & 0x7f
    const extended = length === 127 ? 8 : length === 126 ? 2 : 0
    return 2 + extended + (second & 0x80 ? 4 : 0)
  }

  #startPayload(): void {
    const length = (this.#header[1] ?? 0) & 0x7f
    if (length === 127) this.#remaining = Number(this.#header.readBigUInt64BE(2))
    else if (length === 126) this.#remaining = this.#header.readUInt16BE(2)
    else this.#remaining = length
    this.#have = 0
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
