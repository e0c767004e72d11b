import { loginForm } from '../client.ts'
import { headersOf, Wire, type Dial, type WireAnswer } from './wire.ts'

export interface Page extends WireAnswer {
  readonly url: string
  readonly location: string | undefined
}

export interface BrowserCall {
  readonly method?: string
  readonly form?: Readonly<Record<string, string>>
  /** In place of a form; its type is said by `headers`. */
  readonly body?: string
  /** Over what a browser would send; `undefined` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** The victim's browser, reduced to host-only cookies, redirects and forms; every host is the gateway. */
export class Browser {
  readonly #dial: Dial
  readonly #jar = new Map<string, Map<string, string>>()

  constructor(dial: Dial) {
    this.#dial = dial
  }

  cookie(host: string, name: string): string | undefined {
    return this.#jar.get(host)?.get(name)
  }

  setCookie(host: string, name: string, value: string): void {
    this.#jar.set(host, (this.#jar.get(host) ?? new Map<string, string>()).set(name, value))
  }

  /** One request, redirects not followed. */
  async call(url: string, call: BrowserCall = {}): Promise<Page> {
    const target = new URL(url)
    const wire = new Wire(this.#dial)
    try {
      const method = call.method ?? (call.form === undefined && call.body === undefined ? 'GET' : 'POST')
      const answer = await wire.send(this.#request(target, method, call)).answer(method)
      if (answer === undefined) throw new Error(`no answer to ${method} ${url}`)
      this.#store(target.hostname, headersOf(answer, 'set-cookie'))
      return { ...answer, url, location: headersOf(answer, 'location')[0] }
    } finally {
      wire.destroy()
    }
  }

  /** Follows redirects, ten at most, as GET. */
  async open(url: string, call: BrowserCall = {}): Promise<Page> {
    let page = await this.call(url, call)
    for (let hops = 0; hops < 10 && page.location !== undefined; hops++) {
      page = await this.call(new URL(page.location, page.url).href)
    }
    return page
  }

  /** Fills in the login form that `page` shows; redirects not followed. */
  submitLogin(page: Page, username: string, password: string, call: BrowserCall = {}): Promise<Page> {
    const { action, form } = loginForm({ ...page, headers: {} }, username, password)
    return this.call(action, { ...call, form })
  }

  async signIn(page: Page, username: string, password: string): Promise<Page> {
    const answer = await this.submitLogin(page, username, password)
    return answer.location === undefined ? answer : this.open(new URL(answer.location, answer.url).href)
  }

  #request(target: URL, method: string, { form, body: plain, headers = {} }: BrowserCall): string {
    const cookies = [...(this.#jar.get(target.hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const body = form === undefined ? plain : new URLSearchParams(form).toString()
    const all: Record<string, string | undefined> = {
      ...NAVIGATION,
      ...(cookies === '' ? {} : { cookie: cookies }),
      ...(body === undefined
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(Buffer.byteLength(body)),
            origin: target.origin,
            'sec-fetch-site': 'same-origin',
          }),
      ...headers,
    }
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]))
    const start = `${method} ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${target.host}\r\nConnection: close\r\n`
    return `${start}${lines.join('')}\r\n${body ?? ''}`
  }

  #store(host: string, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((text) => text.trim())
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals)
      if (attributes.some((text) => /^max-age=0$/i.test(text))) this.#jar.get(host)?.delete(name)
      else this.setCookie(host, name, pair.slice(equals + 1))
    }
  }
}
