import { request } from 'node:http'
import { Buffer } from 'node:buffer'
import { unescapeHtml } from '../http/html-text.fixture.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly rawHeaders: readonly string[]
  readonly setCookies: readonly string[]
  readonly text: string
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>> | string
}

/** As much of a browser as pages need: keeps cookies, sends its own forms as its own, follows nothing by itself. */
export class Browser {
  readonly base: string
  readonly cookies = new Map<string, string>()

  constructor(base: string) {
    this.base = base
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.call(path, { headers })
  }

  /** Submits the one POST form of a page, with what was typed into it. */
  submit(page: Answer, typed: Readonly<Record<string, string>>): Promise<Answer> {
    const action = unescapeHtml(/<form method="post" action="([^"]*)"/.exec(page.text)?.[1] ?? '')
    return this.post(action, { ...hiddenFields(page.text), ...typed })
  }

  post(path: string, form: Call['form'], headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const own = { origin: this.base, 'sec-fetch-site': 'same-origin' }
    return this.call(path, { method: 'POST', form: form ?? '', headers: { ...own, ...headers } })
  }

  call(path: string, { method = 'GET', headers = {}, form }: Call): Promise<Answer> {
    const body = form === undefined || typeof form === 'string' ? form : new URLSearchParams(form).toString()
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = {
      accept: 'text/html',
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.base}${path}`, { method, headers: sent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const setCookies = response.headers['set-cookie'] ?? []
          this.#keep(setCookies)
          const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(flat) as Record<string, string>,
            rawHeaders: response.rawHeaders,
            setCookies,
            text: Buffer.concat(chunks).toString('utf8'),
          })
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  #keep(setCookies: readonly string[]): void {
    for (const cookie of setCookies) {
      const [pair = ''] = cookie.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/max-age=0/i.test(cookie)) this.cookies.delete(name)
      else this.cookies.set(name, pair.slice(name.length + 1))
    }
  }
}

export function hiddenFields(html: string): Record<string, string> {
  const form = /<form method="post"[\s\S]*?<\/form>/.exec(html)?.[0] ?? ''
  const fields = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, unescapeHtml(value)]))
}

/** The page with every attribute value and text removed: what a vector must not be able to change. */
export function skeleton(html: string): readonly string[] {
  return (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'))
}
