import { connect, type Socket } from 'node:net'

/** The client's side of a wire test: bytes out, an answer back. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly cookies: readonly string[]
  readonly body: string
  readonly text: string
}

/** Where a browser goes next by itself: by a redirect, or from a page that says so. Empty for nowhere. */
export function nextOf({ headers }: Answer): string {
  return headers.get('location') ?? /^0;url=(.*)$/.exec(headers.get('refresh') ?? '')?.[1] ?? ''
}

/** Sends bytes over a socket of its own and reads until the server closes or the answer is whole. */
export function sendRaw(port: number, bytes: string): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes, 'latin1')
  return readAnswer(socket)
}

export function readAnswer(socket: Socket): Promise<Answer> {
  return new Promise((resolve) => {
    let text = ''
    const finish = (): void => {
      socket.destroy()
      resolve(parseAnswer(text))
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (isWhole(text)) finish()
    })
    socket.on('error', finish).on('close', finish)
  })
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  if (length !== undefined) return text.length - end - 4 >= Number(length)
  return /\r\ntransfer-encoding: chunked/i.test(text.slice(0, end)) && text.endsWith('0\r\n\r\n')
}

export function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end === -1 ? undefined : end).split('\r\n')
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const headers = new Map<string, string>()
  for (const [name, value] of pairs)
    headers.set(name, headers.has(name) ? `${headers.get(name) ?? ''}, ${value}` : value)
  return {
    status: Number(first.split(' ')[1] ?? 0),
    headers,
    cookies: pairs.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
    body: end === -1 ? '' : text.slice(end + 4),
    text,
  }
}

export interface Ask {
  readonly method?: string
  readonly host?: string
  /** Header lines without their line ends. */
  readonly headers?: readonly string[]
  readonly body?: string
}

/** One request with the headers that a browser opening a page would send, unless told otherwise. */
export function ask(
  port: number,
  target: string,
  { method = 'GET', host = 'app.test', headers = [], body = '' }: Ask = {},
): Promise<Answer> {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`]
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...length, ...headers].join('\r\n')
  return sendRaw(port, `${head}\r\n\r\n${body}`)
}

export const NAVIGATION = [
  'Accept: text/html',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Site: none',
]
