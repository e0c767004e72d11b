import { readFileSync } from 'node:fs'
import { Client, credentials } from '@grpc/grpc-js'
import { sendRaw } from '../answer.fixture.ts'
import { check } from './grpc/check.fixture.ts'

type Headers = readonly (readonly [name: string, value: string])[]

/** What somebody sends to a proxy. */
export interface Sent {
  readonly target: string
  readonly method?: string
  readonly host?: string
  readonly headers?: Headers
  /** Lines that are no header. Most proxies refuse them; these pass them on. */
  readonly raw?: string
}

/** What the proxy does about it. */
export interface Outcome {
  readonly status: number
  /** Whether we were asked; else it was the proxy that refused. */
  readonly asked: boolean
  /** Headers that the proxy puts in place of its client's or takes off, in lower case, by our word. */
  readonly replaced: ReadonlySet<string>
}

/** Where every proxy sees its client. */
export const STRANGER = '198.51.100.7'

interface Question {
  readonly target: string
  readonly method: string
  readonly host: string
  readonly headers: Headers
  readonly raw: string | undefined
}

type Proxy = (sent: Required<Omit<Sent, 'raw'>> & Pick<Sent, 'raw'>) => Question | 'refused'

const PATH = '/.gatehouse/forward-auth'
const ASKED = { target: PATH, method: 'GET', host: 'gatehouse.internal' }

/** The proxies that ask by HTTP, as the manual's page configures them. */
const PROXIES: Readonly<Record<string, Proxy>> = {
  nginx: ({ target, method, host, headers, raw }) => ({
    ...ASKED,
    raw,
    headers: replacing(
      headers,
      {
        'X-Original-URL': `http://${host}${target}`,
        'X-Original-Method': method,
        'X-Forwarded-For': STRANGER,
      },
      ['x-forwarded-uri', 'x-forwarded-method', 'x-original-uri', 'connection'],
    ),
  }),
  traefik: (sent) => ({ ...ASKED, raw: sent.raw, headers: replacing(sent.headers, forwarded(sent)) }),
  caddy(sent) {
    const [connection = ''] = sent.headers.flatMap(([name, value]) => (/^connection$/i.test(name) ? [value] : []))
    if (/remote-|gatehouse-|cookie|authorization/i.test(connection)) return 'refused'
    const query = /\?[!-~]*$/.exec(sent.target.split('#')[0] ?? '')?.[0] ?? ''
    const headers = replacing(sent.headers, forwarded(sent), ['connection'])
    return { ...ASKED, target: PATH + query, raw: sent.raw, headers }
  },
  haproxy: (sent) => ({
    ...ASKED,
    raw: sent.raw,
    headers: replacing(sent.headers, forwarded(sent), [
      ...['connection', 'te', 'trailer', 'upgrade', 'keep-alive', 'expect'],
      ...['x-original-url', 'x-original-uri', 'x-original-method'],
    ]),
  }),
  'envoy by HTTP'({ target, method, host, headers, raw }) {
    if (headers.some(([name]) => name.includes('_'))) return 'refused'
    const own = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-For': appended(headers) }
    const allowed = replacing(headers, own).filter(([name]) => isTold(name.toLowerCase()))
    return { target: PATH + target, method, host, headers: allowed, raw }
  },
}

export const BY_GRPC = 'envoy by gRPC'
export const NAMES = [...Object.keys(PROXIES), BY_GRPC]

/** Has the proxy of this name ask about a request. What gRPC has no words for never comes that far. */
export function createProxies(ports: { readonly http: number; readonly grpc: number }) {
  const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure())
  return {
    close: () => client.close(),
    async send(name: string, { method = 'GET', host = 'app.test', headers = [], ...sent }: Sent): Promise<Outcome> {
      const whole = { method, host, headers, ...sent }
      if (name === BY_GRPC) return sent.raw === undefined ? askByGrpc(client, whole) : REFUSED
      const question = PROXIES[name]?.(whole) ?? 'refused'
      if (question === 'refused') return REFUSED
      const lines = [
        `${question.method} ${question.target} HTTP/1.1`,
        `Host: ${question.host}`,
        ...question.headers.map((header) => header.join(': ')),
        ...(question.raw === undefined ? [] : [question.raw]),
      ]
      const answer = await sendRaw(ports.http, `${lines.join('\r\n')}\r\n\r\n`)
      return { status: answer.status, asked: true, replaced: new Set(answer.headers.keys()) }
    },
  }
}

const REFUSED: Outcome = { status: 400, asked: false, replaced: new Set() }

async function askByGrpc(client: Client, { method, host, target, headers }: Parameters<Proxy>[0]): Promise<Outcome> {
  const joined: Record<string, string> = {}
  for (const [name, value] of headers) {
    const before = joined[name.toLowerCase()]
    joined[name.toLowerCase()] = before === undefined ? value : `${before},${value}`
  }
  const own = { ...joined, 'x-forwarded-for': appended(headers), 'x-forwarded-proto': 'http' }
  const answer = await check(client, { method, host, path: target, headers: own })
  const set = answer.okResponse?.headers.map(({ header }) => header.key) ?? []
  const removed = answer.okResponse?.headersToRemove ?? []
  const status = answer.deniedResponse?.status.code ?? (answer.status.code === 0 ? 200 : 500)
  return { status, asked: true, replaced: new Set([...set, ...removed]) }
}

/** Traefik, Caddy and the script for HAProxy. */
function forwarded({ target, method, host }: Parameters<Proxy>[0]): Readonly<Record<string, string>> {
  return {
    'X-Forwarded-Method': method,
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Host': host,
    'X-Forwarded-Uri': target,
    'X-Forwarded-For': STRANGER,
  }
}

/** The client's headers, but for those that the proxy writes itself or leaves away. */
function replacing(headers: Headers, own: Readonly<Record<string, string>>, left: readonly string[] = []): Headers {
  const gone = new Set([...Object.keys(own).map((name) => name.toLowerCase()), ...left])
  return [...headers.filter(([name]) => !gone.has(name.toLowerCase())), ...Object.entries(own)]
}

/** Envoy puts the address that it sees behind what its client says. */
function appended(headers: Headers): string {
  const said = headers.flatMap(([name, value]) => (/^x-forwarded-for$/i.test(name) ? [value] : []))
  return [...said, STRANGER].join(', ')
}

/** `allowed_headers` of the manual's page: what Envoy does not tell us stays with the application all the same. */
function isTold(name: string): boolean {
  return ALLOWED.some(([how, text]) =>
    how === 'exact' ? name === text : how === 'prefix' ? name.startsWith(text) : name.includes(text),
  )
}

const ALLOWED = allowedHeaders()

function allowedHeaders(): readonly (readonly [how: string, text: string])[] {
  const page = readFileSync(new URL('../../../docs/forward-auth.md', import.meta.url), 'utf8')
  const block = /allowed_headers:\n\s*patterns:\n((?:\s*- \w+: [\w-]+\n)+)/.exec(page)?.[1] ?? ''
  return [...block.matchAll(/- (\w+): ([\w-]+)/g)].map(([, how = '', text = '']) => [how, text] as const)
}
