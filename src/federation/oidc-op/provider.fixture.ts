import { hashSync } from '@node-rs/argon2'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import * as openid from 'openid-client'
import { startApp, type App } from '../../app.ts'
import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../base/clock.ts'
import { openEmbeddedStore } from '../../store/embedded/open.ts'
import type { Store } from '../../store/store.ts'
import { freePort } from '../../free-port.fixture.ts'
import { unescapeHtml } from '../../http/html-text.fixture.ts'

/* A whole gateway in this process whose realm has OpenID clients, a browser for it, and a client that we did not write. */

export const SECRET = 'a-secret-of-thirty-two-characters'

export interface Gateway {
  readonly app: App
  readonly origin: string
  readonly issuer: string
  readonly log: () => string
  /** Replaces a file and has it read. */
  write(path: string, text: string): Promise<void>
  /** Their ends are told beside what goes on: one of them who comes back has lost what they agree to meanwhile. */
  setUser(name: string, as: { readonly disabled: boolean }): Promise<void>
  /** The gateway's store, as another process has it. */
  withStore<T>(use: (store: Store) => Promise<T>): Promise<T>
  /** Lets so much time go by, for everything that asks what time it is. */
  passSeconds(seconds: number): void
  close(): Promise<void>
}

const hash = (password: string): string =>
  hashSync(password, { memoryCost: 8, timeCost: 1, parallelism: 1, outputLen: 16 })

const HASHES = new Map(['alice', 'bob', 'carol', 'dan', 'erin'].map((name) => [name, hash(name)]))

function user(name: string, more = ''): string {
  return `  - { username: ${name}, id: u-${name}, password: "${HASHES.get(name) ?? ''}", groups: [staff]${more} }\n`
}

/** `more`: files besides those that every test has, by the port that everything is on. */
export async function startGateway(
  clients: string,
  more: (port: number) => Readonly<Record<string, string>> = () => ({}),
): Promise<Gateway> {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-openid-'))
  const port = await freePort()
  const realNow = Date.now
  let passed = 0
  Date.now = () => realNow() + passed
  const origin = `http://127.0.0.1:${port}`
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o600 })
  }
  put('master.key', randomBytes(32).toString('base64url'))
  put(
    'agent-config/gatehouse.yaml',
    `listeners: [{ address: 127.0.0.1, port: ${port} }]
login: { url: "${origin}" }
store: { driver: embedded, path: ${join(root, 'cts.db')} }
secrets: { masterKey: "\${file:master.key}" }
keys: { publishAhead: 2s }
shutdown: { drain: 1s }
trustedProxies: [127.0.0.1]
clientCertificateHeader: { format: rfc9440 }
`,
  )
  put(
    'agent-config/app.yaml',
    `url: http://app.acme.localhost:${port}\nrealm: /staff\nupstream: { servers: [http://127.0.0.1:9] }\nssoOnly: true\n`,
  )
  put('realms/realm.yaml', '')
  put(
    'realms/staff/realm.yaml',
    `look: { title: Staff }
authentication:
  modules: { password: { type: password }, strong: { type: password, authLevel: 2 } }
  chains:
    default: [{ module: password, criteria: REQUIRED }]
    strong: [{ module: strong, criteria: REQUIRED }]
`,
  )
  const users = (disabled?: string): string => {
    const about = ', attributes: { displayName: Alice Example, mail: alice@acme.example }'
    const lines = [...HASHES.keys()].map((name) => {
      const off = name === disabled ? ', disabled: true' : ''
      return user(name, (name === 'alice' ? about : '') + off)
    })
    return `users:\n${lines.join('')}`
  }
  put('realms/staff/users.yaml', users())
  put('realms/staff/clients.yaml', clients)
  for (const [path, text] of Object.entries(more(port))) put(path, text)
  let log = ''
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  const loaded = await loadConfig(root, { env: {} })
  if (loaded.snapshot === undefined) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
  const app = await startApp({ configRoot: root, output, loaded, snapshot: loaded.snapshot, worker: undefined })
  return {
    app,
    origin,
    issuer: `${origin}/oauth2/realms/root/realms/staff`,
    log: () => log,
    async write(path, text) {
      put(path, text)
      await app.reload()
    },
    async setUser(name, { disabled }) {
      put('realms/staff/users.yaml', users(disabled ? name : undefined))
      await app.reload()
    },
    async withStore(use) {
      const silent = (): void => undefined
      const log = { error: silent, warn: silent, info: silent, debug: silent }
      const store = await openEmbeddedStore({ path: join(root, 'cts.db'), clock: systemClock, log })
      try {
        return await use(store)
      } finally {
        await store.close()
      }
    },
    passSeconds(seconds) {
      passed += seconds * 1_000
    },
    async close() {
      await app.close()
      Date.now = realNow
      rmSync(root, { recursive: true, force: true })
    },
  }
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly location: string | undefined
  readonly headers: Headers
  readonly body: string
}

/** A browser reduced to cookies with their paths, redirects and forms. */
export class Browser {
  readonly #jar = new Map<string, { readonly name: string; readonly value: string; readonly path: string }>()
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  get cookies(): ReadonlyMap<string, { readonly name: string; readonly value: string }> {
    return this.#jar
  }

  cookie(name: string): string | undefined {
    return [...this.#jar.values()].find((each) => each.name === name)?.value
  }

  setCookie(name: string, value: string, path = '/'): void {
    this.#jar.set(`${name} ${path}`, { name, value, path })
  }

  async call(
    url: string,
    form?: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    const target = new URL(url, this.#origin)
    const cookie = [...this.#jar.values()]
      .filter(
        ({ path }) => target.pathname === path || target.pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const answer = await fetch(target, {
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-site': form === undefined ? 'none' : 'same-origin',
        ...(cookie === '' ? {} : { cookie }),
        ...(form === undefined ? {} : { origin: this.#origin }),
        ...headers,
      },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of answer.headers.getSetCookie()) this.#keep(line)
    const { status } = answer
    return {
      url: target.href,
      status,
      location: answer.headers.get('location') ?? undefined,
      headers: answer.headers,
      body: await answer.text(),
    }
  }

  /** Follows redirects within the login host; ends at a page, at the redirect that leaves it, or before one that `until` names. */
  async open(url: string, form?: Readonly<Record<string, string>>, until?: (path: string) => boolean): Promise<Page> {
    let page = await this.call(url, form)
    for (let hops = 0; hops < 12 && page.location !== undefined; hops++) {
      const next = new URL(page.location, page.url)
      if (next.origin !== this.#origin || until?.(next.pathname) === true) return page
      page = await this.call(next.href)
    }
    return page
  }

  /** Sends the form that a page shows, as the button with these values would. */
  submit(page: Page, values: Readonly<Record<string, string>>, until?: (path: string) => boolean): Promise<Page> {
    const form = /<form[^>]*method="post"[^>]*>[^]*?<\/form>/i.exec(page.body)?.[0] ?? ''
    const action = unescapeHtml(/action="([^"]*)"/.exec(form)?.[1] ?? '')
    const fields: Record<string, string> = {}
    for (const [tag] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      fields[/name="([^"]*)"/.exec(tag)?.[1] ?? ''] = unescapeHtml(/value="([^"]*)"/.exec(tag)?.[1] ?? '')
    }
    return this.open(new URL(action, page.url).href, { ...fields, ...values }, until)
  }

  signIn(page: Page, username: string, until?: (path: string) => boolean): Promise<Page> {
    return this.submit(page, { IDToken1: username, IDToken2: username }, until)
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((text) => text.trim())
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
    const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/'
    const isOver = value === '' || attributes.some((each) => /^max-age=0$|^expires=thu, 01 jan 1970/i.test(each))
    if (isOver) this.#jar.delete(`${name} ${path}`)
    else this.setCookie(name, value, path)
  }
}

/** To this very machine; deprecated, so that nobody uses it by chance. */
const { ['allowInsecureRequests']: overHttp } = openid

/** A client as `openid-client` is one: everything that it checks of us it checks. */
export class Rp {
  readonly config: openid.Configuration
  readonly redirectUri: string

  private constructor(config: openid.Configuration, redirectUri: string) {
    this.config = config
    this.redirectUri = redirectUri
  }

  static async discover(
    issuer: string,
    id: string,
    {
      auth = openid.ClientSecretBasic(SECRET),
      redirectUri = 'https://rp.example/cb',
    }: { auth?: openid.ClientAuth; redirectUri?: string } = {},
  ): Promise<Rp> {
    const config = await openid.discovery(new URL(issuer), id, undefined, auth, {
      execute: [overHttp],
    })
    return new Rp(config, redirectUri)
  }

  /** The address that it sends a browser to, and what it remembers of it. */
  async start(more: Readonly<Record<string, string>> = {}) {
    const verifier = openid.randomPKCECodeVerifier()
    const [state, nonce] = [openid.randomState(), openid.randomNonce()]
    const url = openid.buildAuthorizationUrl(this.config, {
      redirect_uri: this.redirectUri,
      scope: 'openid profile email groups',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...{ state, nonce },
      ...more,
    })
    return { url: url.href, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } }
  }

  /** Trades what the browser was sent back with. */
  finish(page: Page, checks: openid.AuthorizationCodeGrantChecks, options?: openid.AuthorizationCodeGrantOptions) {
    return openid.authorizationCodeGrant(this.config, new URL(page.location ?? ''), checks, undefined, options)
  }
}
