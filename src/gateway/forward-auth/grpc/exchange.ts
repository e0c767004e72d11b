import { Socket } from 'node:net'
import { IncomingMessage, ServerResponse } from '../../../http/node-http.ts'
import { FORWARD_AUTH_PATH } from '../original-request.ts'
import { SECRET_HEADER } from '../rules.ts'
import type { CheckRequest, CheckResponse, HeaderOption } from './protocol.ts'

/** Who asks: the address of its connection, and what it shows. */
export interface Asker {
  readonly address: string
  readonly secret: string | undefined
}

/** The question as Envoy would ask it over HTTP, so that nothing is decided twice. What stands in the message itself goes before headers. */
export function questionOf({ attributes }: CheckRequest, { address, secret }: Asker): IncomingMessage {
  const { method = '', headers = {}, path = '', host = '', scheme = '' } = attributes?.request?.http ?? {}
  const client = attributes?.source?.address?.socketAddress?.address
  const all = Object.entries(headers).filter(([name]) => !IN_MESSAGE.has(name) && !name.startsWith(':'))
  if (headers['x-forwarded-for'] === undefined && client !== undefined) all.push(['x-forwarded-for', client])
  all.push(['host', host], ['x-forwarded-proto', scheme])
  if (secret !== undefined) all.push([SECRET_HEADER, secret])
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: address })
  const request = new IncomingMessage(socket)
  request.method = method
  request.url = FORWARD_AUTH_PATH + path
  request.headers = Object.fromEntries(all)
  request.rawHeaders = all.flat()
  request.httpVersionMajor = request.httpVersionMinor = 1
  request.complete = true
  return request
}

/** What the message says in places of its own, and what nobody but its sender may say. */
const IN_MESSAGE: ReadonlySet<string> = new Set([
  'host',
  'x-forwarded-proto',
  'x-forwarded-uri',
  'x-forwarded-method',
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'content-length',
  'transfer-encoding',
  SECRET_HEADER,
])

/** A response that goes to no connection. */
export class Answer extends ServerResponse {
  readonly #told: (answer: CheckResponse) => void

  constructor(request: IncomingMessage, told: (answer: CheckResponse) => void) {
    super(request)
    this.#told = told
  }

  override end(body?: unknown): this {
    this.#told(this.statusCode === 200 ? this.#allowed() : this.#denied(typeof body === 'string' ? body : ''))
    return this
  }

  #allowed(): CheckResponse {
    const identity = this.#headers().filter(([name]) => !ABOUT_US.has(name) && name !== 'set-cookie')
    return {
      status: { code: OK },
      okResponse: {
        headers: identity.filter(([, value]) => value !== '').map(([key, value]) => option(key, value)),
        headersToRemove: identity.filter(([, value]) => value === '').map(([name]) => name),
        responseHeadersToAdd: this.#headers()
          .filter(([name]) => name === 'set-cookie')
          .map(([key, value]) => option(key, value, true)),
      },
    }
  }

  #denied(body: string): CheckResponse {
    const headers = this.#headers().filter(([name]) => name !== 'content-length')
    const seen = new Set<string>()
    const options = headers.map(([key, value]) => {
      const isAgain = seen.has(key)
      seen.add(key)
      return option(key, value, isAgain)
    })
    return {
      status: { code: PERMISSION_DENIED },
      deniedResponse: { status: { code: this.statusCode }, headers: options, body },
    }
  }

  #headers(): readonly (readonly [string, string])[] {
    return Object.entries(this.getHeaders()).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? '']).map((each): readonly [string, string] => [name, String(each)]),
    )
  }
}

/** Headers of every answer of ours that are none of the application's. */
const ABOUT_US: ReadonlySet<string> = new Set([
  'cache-control',
  'x-content-type-options',
  'referrer-policy',
  'cross-origin-resource-policy',
  'content-length',
])

/** `google.rpc.Code`. */
const OK = 0
const PERMISSION_DENIED = 7

function option(key: string, value: string, append = false): HeaderOption {
  return { header: { key, value }, append: { value: append } }
}
