import { once } from 'node:events'
import {
  createServer,
  request as requestHttp,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Client, credentials, loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { closeServer } from './program.ts'

/** Envoy's own description of its protocol, whole, as gRPC's client for its control plane brings it. */
const PROTOS = fileURLToPath(
  new URL('../../.runtime/foreign-apps/node_modules/@grpc/grpc-js-xds/deps', import.meta.url),
)

interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string }
  readonly append: { readonly value: boolean } | null
}

interface CheckResponse {
  readonly status: { readonly code: number }
  readonly okResponse: {
    readonly headers: readonly HeaderOption[]
    readonly headersToRemove: readonly string[]
    readonly responseHeadersToAdd: readonly HeaderOption[]
  } | null
  readonly deniedResponse: {
    /** A name of Envoy's enumeration, or a number that it has no name for. */
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderOption[]
    readonly body: string
  } | null
}

export interface StandInOptions {
  readonly port: number
  /** Ports of the application, of the gateway's ordinary listener, and of the one for gRPC. */
  readonly app: number
  readonly gateway: number
  readonly grpc: number
}

/**
 * A proxy that does what Envoy's ext_authz filter does by gRPC, with the manual page's configuration: Envoy itself is in no registry that this
 * test may use. The messages are made and read by Envoy's own protocol files.
 */
export async function startEnvoyStandIn({
  port,
  app,
  gateway,
  grpc,
}: StandInOptions): Promise<{ stop(): Promise<void> }> {
  const client = new Client(`127.0.0.1:${grpc}`, credentials.createInsecure())
  const check = checkBy(client)
  const pass = async (incoming: IncomingMessage): Promise<Passed> => {
    const { url = '', rawHeaders } = incoming
    // headers_with_underscores_action: REJECT_REQUEST
    if (rawHeaders.some((name, nth) => nth % 2 === 0 && name.includes('_'))) return answer(400)
    if (url.startsWith('/.gatehouse/')) return { kind: 'to', port: gateway, headers: headersOf(incoming), added: [] }
    return judged(await check(questionOf(incoming)), { incoming, app })
  }
  const server = createServer((incoming, response) => {
    pass(incoming).then(
      (passed) => carryOut(passed, incoming, response),
      () => response.writeHead(403).end(),
    )
  })
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    pass(incoming).then(
      (passed) => tunnel(passed, incoming, socket),
      () => socket.destroy(),
    )
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async stop() {
      client.close()
      await closeServer(server)
    },
  }
}

type Passed =
  | { readonly kind: 'to'; readonly port: number; readonly headers: Headers; readonly added: readonly HeaderOption[] }
  | { readonly kind: 'answer'; readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: string }

type Headers = Record<string, string>

function answer(status: number, headers: OutgoingHttpHeaders = {}, body = ''): Passed {
  return { kind: 'answer', status, headers, body }
}

function checkBy(client: Client): (question: object) => Promise<CheckResponse> {
  const includeDirs = ['envoy-api', 'googleapis', 'protoc-gen-validate', 'xds'].map((name) => `${PROTOS}/${name}`)
  const loaded = loadPackageDefinition(loadSync('envoy/service/auth/v3/external_auth.proto', { includeDirs }))
  let found: unknown = loaded
  for (const name of ['envoy', 'service', 'auth', 'v3', 'Authorization'])
    found = (found as Record<string, unknown>)[name]
  const { Check } = (found as { readonly service: ServiceDefinition }).service
  if (Check === undefined) throw new TypeError('the protocol has no Check')
  return (question) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        Check.path,
        Check.requestSerialize,
        (bytes) => Check.responseDeserialize(bytes) as CheckResponse,
        question,
        (error, value) => (value === undefined ? reject(error ?? new Error('no answer')) : resolve(value)),
      )
    })
}

/** In lower case, joined where they came twice, without what concerns the connection; use_remote_address says where the client is. */
function headersOf({ headers, rawHeaders, headersDistinct }: IncomingMessage): Headers {
  const upgrade = headers.upgrade === undefined ? ['connection', 'upgrade', 'keep-alive'] : ['keep-alive']
  const all: Headers = {}
  for (const name of new Set(rawHeaders.filter((_, nth) => nth % 2 === 0).map((name) => name.toLowerCase())))
    if (!upgrade.includes(name))
      all[name] = (headersDistinct[name] ?? [headers[name] ?? '']).join(name === 'cookie' ? '; ' : ',')
  const from = all['x-forwarded-for']
  all['x-forwarded-for'] = from === undefined ? '127.0.0.1' : `${from},127.0.0.1`
  all['x-forwarded-proto'] = 'http'
  return all
}

function questionOf(incoming: IncomingMessage): object {
  const { method = '', url = '', headers } = incoming
  const { host = '', ...others } = headersOf(incoming)
  const http = { method, path: url, host: headers.host ?? host, scheme: 'http', protocol: 'HTTP/1.1' }
  const pseudo = { ':path': url, ':method': method, ':authority': http.host, ':scheme': 'http' }
  const address = { socketAddress: { address: '127.0.0.1', portValue: 40_000 } }
  return {
    attributes: {
      source: { address },
      destination: { address },
      request: {
        time: { seconds: 1, nanos: 0 },
        http: { id: '1', size: -1, headers: { ...pseudo, ...others }, ...http },
      },
      contextExtensions: {},
    },
  }
}

function judged(
  { status, okResponse, deniedResponse }: CheckResponse,
  { incoming, app }: { readonly incoming: IncomingMessage; readonly app: number },
): Passed {
  if (status.code !== 0) {
    const { headers = [], body = '', status: http = { code: 403 } } = deniedResponse ?? {}
    const all: Record<string, string[]> = {}
    for (const { header, append } of headers)
      all[header.key] = append?.value === true ? [...(all[header.key] ?? []), header.value] : [header.value]
    return answer(http.code, all, body)
  }
  const removed = new Set(okResponse?.headersToRemove.map((name) => name.toLowerCase()))
  const headers = Object.fromEntries(Object.entries(headersOf(incoming)).filter(([name]) => !removed.has(name)))
  for (const { header, append } of okResponse?.headers ?? [])
    headers[header.key] = append?.value === true ? `${headers[header.key] ?? ''},${header.value}` : header.value
  return { kind: 'to', port: app, headers, added: okResponse?.responseHeadersToAdd ?? [] }
}

function carryOut(passed: Passed, incoming: IncomingMessage, response: ServerResponse): void {
  if (passed.kind === 'answer') {
    response.writeHead(passed.status, passed.headers).end(passed.body)
    return
  }
  const { port, headers, added } = passed
  const outgoing = requestHttp({
    host: '127.0.0.1',
    port,
    method: incoming.method,
    path: incoming.url,
    headers,
    agent: false,
  })
  outgoing.once('response', (came) => {
    for (const { header } of added) response.appendHeader(header.key, header.value)
    for (const [name, values] of Object.entries(came.headersDistinct))
      for (const value of values ?? []) response.appendHeader(name, value)
    came.pipe(response.writeHead(came.statusCode ?? 502))
  })
  outgoing.once('error', () => response.destroy())
  incoming.pipe(outgoing)
}

function tunnel(passed: Passed, incoming: IncomingMessage, socket: Socket): void {
  if (passed.kind === 'answer') {
    socket.end(`HTTP/1.1 ${passed.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    return
  }
  const { port, headers } = passed
  const outgoing = requestHttp({ host: '127.0.0.1', port, path: incoming.url, headers, agent: false })
  outgoing.once('upgrade', (came, upstream) => {
    const lines = Object.entries(came.headers).map(([name, value]) => `${name}: ${String(value)}`)
    socket.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'))
    upstream.pipe(socket).pipe(upstream)
  })
  outgoing.once('error', () => socket.destroy()).end()
}
