import { connect, type Socket } from 'node:net'

export interface WireAnswer {
  readonly status: number
  /** As sent: order, case and repetitions kept. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** The first value of a header, whatever its case. */
export function headerOf({ headers }: WireAnswer, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

export function headersOf({ headers }: WireAnswer, name: string): readonly string[] {
  return headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
}

interface Split {
  readonly answer: WireAnswer
  readonly rest: string
}

/** The first complete answer in `text`; `undefined` while bytes are missing. Interim answers are skipped. */
function splitAnswer(text: string, method: string, ended: boolean): Split | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0)
  const headers = lines.map((each): [string, string] => {
    const colon = each.indexOf(':')
    return [each.slice(0, colon), each.slice(colon + 1).trim()]
  })
  const after = text.slice(end + 4)
  if (status >= 100 && status < 200 && status !== 101) return splitAnswer(after, method, ended)
  const head = { status, headers }
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304)
    return { answer: { ...head, body: '' }, rest: after }
  return splitBody(head, after, ended)
}

function splitBody(head: Omit<WireAnswer, 'body'>, after: string, ended: boolean): Split | undefined {
  const field = (name: string): string | undefined => headerOf({ ...head, body: '' }, name)
  const length = field('content-length')
  if (length !== undefined) {
    if (after.length < Number(length)) return undefined
    return { answer: { ...head, body: after.slice(0, Number(length)) }, rest: after.slice(Number(length)) }
  }
  if (field('transfer-encoding') === undefined)
    return ended ? { answer: { ...head, body: after }, rest: '' } : undefined
  const chunks = splitChunks(after)
  return chunks && { answer: { ...head, body: chunks.body }, rest: chunks.rest }
}

function splitChunks(text: string): { readonly body: string; readonly rest: string } | undefined {
  let body = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) {
      const end = text.startsWith('\r\n', line + 2) ? line + 4 : text.indexOf('\r\n\r\n', line) + 4
      return end < 4 || end > text.length ? undefined : { body, rest: text.slice(end) }
    }
    if (text.length < line + 4 + size) return undefined
    body += text.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
}

/** Ten times what anything here takes on a machine with nothing else to do, and more. */
const PATIENCE_MS = 90_000

export interface Dial {
  readonly port: number
  /** Another loopback address to come from. */
  readonly from?: string
}

/** One TCP connection on which bytes go out exactly as written (latin1) and answers come in. */
export class Wire {
  readonly socket: Socket
  /** What has arrived and belongs to no answer that was read. */
  pending = ''
  #ended = false
  readonly #waiting = new Set<() => void>()

  constructor({ port, from }: Dial) {
    this.socket = connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) })
    this.socket.setNoDelay(true)
    const wake = (): void => [...this.#waiting].forEach((check) => check())
    this.socket.on('data', (chunk: Buffer) => {
      this.pending += chunk.toString('latin1')
      wake()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.#ended = true
      wake()
    })
  }

  get ended(): boolean {
    return this.#ended
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** The next answer; `undefined` when the connection ended without one. Rejects when nothing happens for too long. */
  answer(method = 'GET'): Promise<WireAnswer | undefined> {
    return this.#until(() => {
      const split = splitAnswer(this.pending, method, this.#ended)
      if (split !== undefined) this.pending = split.rest
      return split?.answer
    })
  }

  /** Everything that has arrived, once it contains `marker`; `undefined` when the connection ended before. */
  text(marker: string): Promise<string | undefined> {
    return this.#until(() => (this.pending.includes(marker) ? this.pending : undefined))
  }

  /** Settles when the peer has closed. */
  async closed(): Promise<void> {
    await this.#until(() => undefined)
  }

  destroy(): void {
    this.socket.destroy()
  }

  #until<T>(look: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        done()
      }
      const check = (): void => {
        const found = look()
        if (found !== undefined || this.#ended) settle(() => resolve(found))
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(`nothing more came after ${JSON.stringify(this.pending.slice(0, 300))}`))),
        PATIENCE_MS,
      )
      this.#waiting.add(check)
      check()
    })
  }
}

/** One connection, these bytes, the first answer. */
export async function ask(dial: Dial, bytes: string): Promise<WireAnswer | undefined> {
  const wire = new Wire(dial)
  try {
    return await wire.send(bytes).answer(/^[A-Z]+/.exec(bytes)?.[0] ?? 'GET')
  } finally {
    wire.destroy()
  }
}
