import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { unescapeHtml } from '../src/http/html-text.fixture.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly url: string
}

interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  /** In place of a form; its type is said by `headers`. */
  readonly body?: string
}

/** How it speaks TLS. */
export type ClientTls = Pick<RequestOptions, 'ca' | 'cert' | 'key'>

/** What a browser sends with a page navigation; calls may override any of it. */
const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  /** Sent to the hosts below `host`, too. */
  readonly shared: boolean
  readonly secure: boolean
}

/** A browser reduced to cookies and redirects: many at once, and fast. Names resolve to the loopback address. */
export class Client {
  readonly #tls: ClientTls
  #jar: readonly Cookie[] = []

  constructor(tls: ClientTls = {}) {
    this.#tls = tls
  }

  cookie(host: string, name: string): string | undefined {
    return this.#jar.find((cookie) => cookie.host === host && cookie.name === name)?.value
  }

  setCookie(host: string, name: string, value: string): void {
    this.#keep({ name, value, host, shared: false, secure: false })
  }

  /** The `Cookie` header for this address; empty when there is none. */
  cookiesFor(url: string): string {
    const { hostname, protocol } = new URL(url)
    return this.#jar
      .filter(({ host, shared }) => host === hostname || (shared && hostname.endsWith(`.${host}`)))
      .filter(({ secure }) => !secure || protocol === 'https:')
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  /** One request, redirects not followed. */
  call(url: string, call: Call = {}): Promise<Answer> {
    const target = new URL(url)
    const body = call.form === undefined ? call.body : new URLSearchParams(call.form).toString()
    const options = {
      ...this.#tls,
      host: '127.0.0.1',
      port: target.port || (target.protocol === 'https:' ? 443 : 80),
      servername: target.hostname,
      path: target.pathname + target.search,
      method: call.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...this.#headers(target, call.form !== undefined), ...call.headers, host: target.host },
      agent: false,
    }
    return new Promise((resolve, reject) => {
      const outgoing = (target.protocol === 'https:' ? requestHttps : requestHttp)(options, (incoming) => {
        this.#store(target.hostname, incoming.headers['set-cookie'] ?? [])
        const { statusCode: status = 0, headers } = incoming
        textOf(incoming).then((text) => resolve({ status, headers, body: text, url }), reject)
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  /** Follows redirects, ten at most, as GET. */
  async open(url: string, call: Call = {}): Promise<Answer> {
    let answer = await this.call(url, call)
    for (
      let hops = 0;
      hops < 10 && answer.status >= 300 && answer.status < 400 && answer.headers.location !== undefined;
      hops++
    ) {
      answer = await this.call(new URL(answer.headers.location, answer.url).href)
    }
    return answer
  }

  /** Fills in the login form that `page` shows and follows where it leads. */
  async signIn(page: Answer, username: string, password = `${username}-demo-password`): Promise<Answer> {
    const { action, form } = loginForm(page, username, password)
    return this.open(action, { form })
  }

  #headers(target: URL, isForm: boolean): Record<string, string> {
    const cookie = this.cookiesFor(target.href)
    return {
      ...NAVIGATION,
      ...(cookie === '' ? {} : { cookie }),
      ...(isForm
        ? {
            'content-type': 'application/x-www-form-urlencoded',
            origin: target.origin,
            'sec-fetch-site': 'same-origin',
          }
        : {}),
    }
  }

  #store(host: string, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((text) => text.trim())
      const equals = pair.indexOf('=')
      const domain = attributes.map((text) => /^domain=\.?(.+)$/i.exec(text)?.[1]).find((text) => text !== undefined)
      const cookie = {
        name: pair.slice(0, equals).trim(),
        value: pair.slice(equals + 1).trim(),
        host: domain ?? host,
        shared: domain !== undefined,
        secure: attributes.some((text) => /^secure$/i.test(text)),
      }
      const expired = attributes.some((text) => /^(max-age=0|expires=thu, 01 jan 1970.*)$/i.test(text))
      if (expired) this.#forget(cookie)
      else this.#keep(cookie)
    }
  }

  #keep(cookie: Cookie): void {
    this.#forget(cookie)
    this.#jar = [...this.#jar, cookie]
  }

  #forget({ host, name }: Cookie): void {
    this.#jar = this.#jar.filter((cookie) => cookie.host !== host || cookie.name !== name)
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** The login form of a page, filled in: where it goes and what it sends. */
export function loginForm(
  page: Answer,
  username: string,
  password: string,
): { readonly action: string; readonly form: Readonly<Record<string, string>> } {
  const fields = Object.fromEntries(
    [...page.body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
      attribute(input, 'name'),
      attribute(input, 'value'),
    ]),
  )
  const tag = /<form[^>]*method="post"[^>]*>/i.exec(page.body)?.[0] ?? ''
  const action = attribute(tag, 'action')
  const names = [...page.body.matchAll(/<input[^>]*type="(?:text|password)"[^>]*>/g)].map(([input]) =>
    attribute(input, 'name'),
  )
  const [user = 'username', secret = 'password'] = names
  return {
    action: action === '' ? page.url : new URL(action, page.url).href,
    form: { ...fields, [user]: username, [secret]: password },
  }
}

function attribute(tag: string, name: string): string {
  return unescapeHtml(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
}
