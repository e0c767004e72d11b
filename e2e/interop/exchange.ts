import { type Agent, request, type IncomingHttpHeaders } from 'node:http'
import { Client } from '../client.ts'
import { passwordOf, type Gateway } from './gateway.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
}

export interface Question {
  readonly method?: string
  /** Sent as they are written: name, value, name, value …; a name may come twice. */
  readonly headers?: readonly string[]
  /** A list is sent in chunks. */
  readonly body?: Buffer | readonly Buffer[]
  /** Whose cookies to send. */
  readonly client?: Client
}

const TIMEOUT_MS = 30_000

/** One request over a connection of its own, or over the agent's. Names resolve to the loopback address (RFC 6761 §6.3). */
export function exchange(url: string, question: Question = {}, agent?: Agent): Promise<Reply> {
  const { hostname, port, host } = new URL(url)
  const cookies = question.client?.cookiesFor(url) ?? ''
  const { body } = question
  const framing = body === undefined ? [] : framingOf(body)
  const headers = [
    'Host',
    host,
    ...(cookies === '' ? [] : ['Cookie', cookies]),
    ...framing,
    ...(question.headers ?? []),
  ]
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        // The target as it was written: `URL` would tidy it up.
        path: url.slice(url.indexOf(hostname) + host.length) || '/',
        method: question.method ?? 'GET',
        headers,
        agent: agent ?? false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
        incoming.once('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString('utf8') })
        })
      },
    )
    outgoing.once('error', reject)
    for (const chunk of Array.isArray(body) ? (body as readonly Buffer[]) : []) outgoing.write(chunk)
    outgoing.end(Buffer.isBuffer(body) ? body : undefined)
  })
}

function framingOf(body: Buffer | readonly Buffer[]): readonly string[] {
  return Buffer.isBuffer(body) ? ['Content-Length', String(body.length)] : ['Transfer-Encoding', 'chunked']
}

/** Somebody who has signed in at the agent's site. */
export async function signedIn(gateway: Gateway, agent: string, name: 'alice' | 'bob'): Promise<Client> {
  const client = new Client()
  const start = `${gateway.site(agent)}/.gatehouse/whoami`
  const form = await client.open(`${gateway.login}/login/staff?goto=${encodeURIComponent(`${gateway.site(agent)}/`)}`)
  await client.signIn(form, name, passwordOf(name))
  await client.open(`${gateway.site(agent)}/`)
  const who = await exchange(start, { client })
  if (who.status !== 200 || !who.text.includes(name))
    throw new Error(`${name} is not signed in: ${who.status} ${who.text}`)
  return client
}
