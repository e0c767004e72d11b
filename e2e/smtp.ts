import { createServer, type AddressInfo, type Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import type { Pair } from './certificates.ts'

/** What a mail server took. */
export interface TakenMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header lines and body as they came. */
  readonly raw: string
  readonly secure: boolean
}

export interface SmtpServer {
  readonly port: number
  readonly mails: readonly TakenMail[]
  /** The next mail after those that were taken from here before. */
  next(): Promise<TakenMail>
  stop(): Promise<void>
}

export interface SmtpOptions {
  /** Offers STARTTLS with it; without it nothing is encrypted. */
  readonly pair?: Pair
  readonly account?: { readonly user: string; readonly password: string }
}

/** A real mail server that keeps what it is given. */
export async function startSmtp({ pair, account }: SmtpOptions = {}): Promise<SmtpServer> {
  const mails: TakenMail[] = []
  const waiting: (() => void)[] = []
  let read = 0
  const server = new SMTPServer({
    ...(pair ?? { hideSTARTTLS: true }),
    authOptional: account === undefined,
    allowInsecureAuth: true,
    logger: false,
    onAuth: ({ username, password }, _session, callback) => {
      if (username === account?.user && password === account?.password) callback(null, { user: username })
      else callback(new Error('no such account'))
    },
    onData(stream, session, callback) {
      let raw = ''
      stream.setEncoding('utf8').on('data', (text: string) => (raw += text))
      stream.once('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        mails.push({ from, to: rcptTo.map(({ address }) => address), raw, secure: session.secure })
        callback()
        for (const wake of waiting.splice(0)) wake()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server.server.address()),
    mails,
    async next() {
      for (;;) {
        const mail = mails[read]
        if (mail !== undefined) {
          read++
          return mail
        }
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Accepts connections and never says a word. */
export async function startSilentServer(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server.address()),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** The text part of a mail, decoded as far as our mails need it. */
export function textOf({ raw }: TakenMail): string {
  const part = raw.split(/\r\n--[^\r\n]+\r\n/).find((each) => /^content-type: text\/plain/im.test(each)) ?? raw
  const [head = '', ...rest] = part.split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString('utf8')
  if (!/quoted-printable/i.test(head)) return body
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
