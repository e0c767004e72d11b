import { request, type IncomingHttpHeaders } from 'node:http'

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
}

/** What a browser sends with a page navigation; calls may override any of it. */
const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

/** A browser reduced to cookies and redirects: many at once, and fast. Names resolve to the loopback address. */
export class Client {
  readonly #jar = new Map<string, Map<string, string>>()

  cookie(host: string, name: string): string | undefined {
    return this.#jar.get(host)?.get(name)
  }

  setCookie(host: string, name: string, value: string): void {
    const cookies = this.#jar.get(host) ?? new Map<string, string>()
    this.#jar.set(host, cookies.set(name, value))
  }

  /** One request, redirects not followed. */
  call(url: string, call: Call = {}): Promise<Answer> {
    const target = new URL(url)
    const body = call.form === undefined ? undefined : new URLSearchParams(call.form).toString()
    const cookies = [...(this.#jar.get(target.hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers: Record<string, string> = {
      ...NAVIGATION,
      ...(cookies === '' ? {} : { cookie: cookies }),
      ...(body === undefined
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            origin: target.origin,
            'sec-fetch-site': 'same-origin',
          }),
      ...call.headers,
      host: target.host,
    }
    const method = call.method ?? (body === undefined ? 'GET' : 'POST')
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: target.port || 80,
          path: target.pathname + target.search,
          method,
          headers,
          agent: false,
        },
        (incoming) => {
          this.#store(target.hostname, incoming.headers['set-cookie'] ?? [])
          let text = ''
          incoming.setEncoding('utf8')
          incoming.on('data', (chunk: string) => (text += chunk))
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text, url }),
          )
          incoming.on('error', reject)
        },
      )
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
    const fields = Object.fromEntries(
      [...page.body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
        attribute(input, 'name'),
        attribute(input, 'value'),
      ]),
    )
    const form = /<form[^>]*method="post"[^>]*>/i.exec(page.body)?.[0] ?? ''
    const action = attribute(form, 'action')
    const names = [...page.body.matchAll(/<input[^>]*type="(?:text|password)"[^>]*>/g)].map(([input]) =>
      attribute(input, 'name'),
    )
    const [user = 'username', secret = 'password'] = names
    return this.open(action === '' ? page.url : new URL(action, page.url).href, {
      form: { ...fields, [user]: username, [secret]: password },
    })
  }

  #store(host: string, lines: readonly string[]): void {
    const cookies = this.#jar.get(host) ?? new Map<string, string>()
    this.#jar.set(host, cookies)
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';')
      const equals = pair.indexOf('=')
      const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)]
      const expired = attributes.some(
        (text) => /^\s*max-age=0$/i.test(text) || /^\s*expires=thu, 01 jan 1970/i.test(text),
      )
      if (expired) cookies.delete(name.trim())
      else cookies.set(name.trim(), value.trim())
    }
  }
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
