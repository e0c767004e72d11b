import type { Request, Response } from 'express'
import { AMBIGUOUS, clearCookie, findCookie, lifeUntil, setCookie } from '../http/cookies.ts'
import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import type { KeptCookie } from '../authn/modules/stand-in.ts'
import type { Presented } from '../http/presented.ts'
import type { IssuedSession, RequestOrigin, Session, SessionToken } from '../session/session.ts'
import { portalFrame, type Frame, type Pairs } from './frame.ts'
import {
  LOCALE_COOKIE_LIFE,
  bindingOf,
  browserCookie,
  browserSecret,
  keptCookie,
  ssoCookie,
} from '../authn/login-cookies.ts'
import { languageOf, negotiateLanguage, type Language } from './messages/language.ts'
import type { PortalParts } from './portal-parts.ts'
import type { RequestFacts, SharedCookie } from './ports.ts'
import type { CompiledRealm } from './realms.ts'
import { contentSecurityPolicy } from './security-headers.ts'

export interface PageOptions {
  readonly status: number
  readonly template: string
  /** Whose look the page has; the root realm's where absent. */
  readonly realm?: CompiledRealm | undefined
  /** What the language choice of this page carries along; no choice where absent. */
  readonly language?: { readonly action: string; readonly keep: Pairs }
  /** Origins that the page's form may end up at. */
  readonly formTargets?: readonly string[]
  readonly view: (frame: Frame) => object
}

/** One request to the login host, read once, and the ways to answer it. */
export interface Visit {
  /** As sent: not decoded. */
  readonly path: string
  /** What stands behind the question mark, as sent. */
  readonly search: string
  readonly facts: RequestFacts
  /** Who asked, for the audit log. */
  readonly origin: RequestOrigin
  readonly presented: Presented
  /** Whether this browser sent its binding cookie back. */
  readonly knownBrowser: boolean
  /** The browser sent two different SSO cookies, so neither counts. */
  readonly twoSessionCookies: boolean
  /** The value of a query parameter that was given exactly once: a second copy is somebody's trick, so both are ignored. */
  query(name: string): string | undefined
  /** The same for a form field. */
  field(name: string): string | undefined
  /** Whether a person's whole tab asks, and no frame and no script. */
  readonly isNavigation: boolean
  /** Whether the request came from a page of our own. */
  sameOrigin(): boolean
  /** False where the browser says that this navigation began elsewhere: at another site's link, a bookmark, a mail. */
  mayFollowOwnPage(): boolean
  /** The live session of this browser at the login host. Rejects with GH_STORE_UNAVAILABLE. */
  session(): Promise<Session | undefined>
  /** Notes that the person used their session; a browser that carries it gets its next token. */
  used(session: Session): void
  /** Binds a login to this browser, setting or renewing the cookie; returns the hash of its value. */
  bindBrowser(): string
  signIn(issued: IssuedSession): void
  /** Sets a cookie that others in the login host's domain see, too. */
  share(cookie: SharedCookie, issued: IssuedSession): void
  /** The cookie of exactly this name; `undefined` also for two different ones. */
  cookie(name: string): string | undefined
  addCookie(text: string): void
  /** The module of the provider that somebody signed in by last in this browser; proves nothing. */
  readonly lastProvider: string | undefined
  rememberProvider(module: string): void
  /** Has this browser keep what a login left with it. */
  keep(cookies: readonly KeptCookie[]): void
  signOut(): void
  page(options: PageOptions): void
  /** The same as text, for who sends it themselves; sets the headers that go with it, but no status. */
  draw(options: Omit<PageOptions, 'status'>): string
  redirect(status: 302 | 303, location: string): void
  json(status: number, body: object): void
  setHeader(name: string, value: string): void
}

export function openVisit(parts: PortalParts, request: Request, response: Response): Visit {
  const { path, search, query } = splitTarget(request.url)
  const { cookies } = parts
  const cookieHeader = request.headers.cookie
  const facts = parts.factsOf(request)
  const sentSecret = findCookie(cookieHeader, cookies.browser)
  const secret = browserSecret(sentSecret)
  const ssoToken = findCookie(cookieHeader, cookies.sso)
  const language = chooseLanguage(parts, request, response, once(query, 'locale'))
  const { secure } = cookies
  const addCookie = (text: string): void => void response.append('Set-Cookie', text)

  const cookieOf = (name: string): string | undefined => textOf(findCookie(cookieHeader, name))

  return {
    path,
    search,
    facts,
    origin: {
      requestId: facts.requestId,
      clientIp: facts.client.ip,
      userAgent: request.headers['user-agent'],
      language: language.tag,
    },
    presented: parts.presentedBy(request),
    knownBrowser: sentSecret === secret,
    twoSessionCookies: ssoToken === AMBIGUOUS,
    query: (name) => once(query, name),
    field: (name) => textOf((request.body as Readonly<Record<string, unknown>> | undefined)?.[name]),
    isNavigation: requestKind(request.method, request.headers) === 'navigation',
    sameOrigin: () => isSameOrigin(request.headers, parts.origin),
    mayFollowOwnPage: () => (request.headers['sec-fetch-site'] ?? 'same-origin') === 'same-origin',
    session: async () =>
      typeof ssoToken === 'string' && ssoToken !== ''
        ? parts.sessions.resolve(ssoToken as SessionToken, 'login')
        : undefined,
    used: (session) => {
      parts.sessions.touch(session)
      const next = typeof ssoToken === 'string' ? parts.sessions.renew(ssoToken as SessionToken, session) : undefined
      if (next !== undefined) addCookie(ssoCookie(cookies, { token: next, session }, parts.clock()))
    },
    bindBrowser: () => {
      addCookie(browserCookie(cookies, secret))
      return bindingOf(secret)
    },
    signIn: (issued) => addCookie(ssoCookie(cookies, issued, parts.clock())),
    share: ({ name, attributes, persistent }, { token, session }) => {
      const life = persistent ? lifeUntil(session.maxExpiresAt, parts.clock()) : {}
      addCookie(setCookie(name, token, { ...attributes, ...life }))
    },
    cookie: cookieOf,
    addCookie,
    lastProvider: cookieOf(cookies.provider),
    rememberProvider: (module) =>
      addCookie(setCookie(cookies.provider, module, { secure, maxAge: LOCALE_COOKIE_LIFE })),
    keep: (kept) => {
      for (const each of kept) addCookie(keptCookie(cookies, each, parts.clock()))
    },
    signOut: () => addCookie(clearCookie(cookies.sso, { secure })),
    page: (options) => {
      const html = drawPage(parts, response, language, options)
      response.status(options.status).type('html').end(html)
    },
    draw: (options) => drawPage(parts, response, language, options),
    redirect: (status, location) => void response.status(status).set('Location', printable(location)).end(),
    json: (status, body) => void response.status(status).json(body),
    setHeader: (name, value) => void response.setHeader(name, value),
  }
}

function drawPage(
  parts: PortalParts,
  response: Response,
  language: Language,
  options: Omit<PageOptions, 'status'>,
): string {
  const realm = options.realm ?? parts.defaultRealm
  const frame = portalFrame({ files: parts.files, realm, language, languageForm: options.language })
  if (options.formTargets !== undefined) {
    response.setHeader('Content-Security-Policy', contentSecurityPolicy(options.formTargets))
  }
  response.setHeader('Content-Language', language.tag)
  response.setHeader('Vary', 'Accept-Language, Cookie')
  return parts.files.render(options.template, { page: frame, ...options.view(frame) })
}

/** `?locale=`, which is remembered; then what was remembered; then what the browser asks for. */
function chooseLanguage(parts: PortalParts, request: Request, response: Response, asked: string | undefined): Language {
  const { locale, secure } = parts.cookies
  const chosen = languageOf(asked)
  if (chosen !== undefined) {
    response.append('Set-Cookie', setCookie(locale, chosen.tag, { secure, maxAge: LOCALE_COOKIE_LIFE }))
    return chosen
  }
  const remembered = findCookie(request.headers.cookie, locale)
  return languageOf(textOf(remembered)) ?? negotiateLanguage(request.headers['accept-language'])
}

function splitTarget(target: string): {
  readonly path: string
  readonly search: string
  readonly query: URLSearchParams
} {
  const mark = target.indexOf('?')
  if (mark < 0) return { path: target, search: '', query: new URLSearchParams() }
  const search = target.slice(mark + 1)
  return { path: target.slice(0, mark), search, query: new URLSearchParams(search) }
}

function once(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = parameters.getAll(name)
  return more.length > 0 ? undefined : value
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Addresses come here checked; should one carry what no header may, the browser goes to our own page (response splitting). */
function printable(location: string): string {
  return /^[\x21-\x7e]+$/.test(location) ? location : '/'
}
