import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import type { AssertionSigner } from '../crypto/assertion.ts'
import type { Decision, Facts } from '../policy/decision.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session } from '../session/session.ts'
import type { Log } from '../telemetry/log.ts'
import { encoderFor, type Encoder } from './identity-encoding.ts'
import type { Separator } from './identity.schema.ts'
import type { HeaderList } from './upstream/upstream.ts'

/** The header that carries the signed assertion. */
export const ASSERTION_HEADER = 'x-gatehouse-assertion'

/** What policies said about the user with the decision. */
export type ResponseValues = Decision['attributes']

/**
 * What the application is told about the user of this session, as header lines. What it is told in cookies is one line `cookie`, which has
 * to be put together with what the browser sent.
 */
export type IdentityHeaders = (session: Session, facts: Facts, response?: ResponseValues) => HeaderList

export interface IdentityConfig {
  readonly agent: string
  /** The site's origin: audience of its assertions. */
  readonly audience: string
  /** Header name to source, as in the agent profile. */
  readonly headers: Readonly<Record<string, string>>
  /** Cookie name to source. */
  readonly cookies?: Readonly<Record<string, string>>
  /** Between several values; one of its own for headers and for cookies where absent. */
  readonly separator?: Separator | undefined
  readonly assertion: boolean
  /** Bytes. */
  readonly headerBudget: number
}

export interface IdentityDeps {
  readonly signer: AssertionSigner
  readonly clock: Clock
  readonly log: Log
  /** Sessions whose headers are held. */
  readonly maxRemembered: number
}

/** An assertion lives for a minute; the same one serves for the first half of it, and signing costs nothing per request. */
const REUSE_MS = 30_000
/** As long as in a header, roughly. */
const IN_ASSERTION = encoderFor('header', undefined)
/** Bytes of an assertion without its groups, and of the header around it. */
const ASSERTION_BASE = 900

interface Remembered {
  readonly session: Session
  readonly facts: Facts
  readonly until: number
  readonly headers: HeaderList
}

/** Compiles the identity headers of one site. Sources are read once; a request looks up what its session had last time. */
export function createIdentityHeaders(config: IdentityConfig, deps: IdentityDeps): IdentityHeaders {
  const sources = sourcesOf(config)
  const asked = sources.flatMap(({ response }) => (response === undefined ? [] : [response]))
  const remembered = new LRUCache<string, Remembered>({ max: deps.maxRemembered })
  return (session, facts, response) => {
    const now = deps.clock()
    // Policies may say one thing at one path and another at the next.
    const key = asked.length === 0 ? session.sid : JSON.stringify([session.sid, saidOf(response, asked)])
    // Those that were made last stay longest; who uses them makes them anew every 30 seconds.
    const found = remembered.peek(key)
    if (found !== undefined && found.until > now && isSame(found, session, facts)) return found.headers
    const headers = build(config, deps, { sources, session, facts, response })
    remembered.set(key, { session, facts, until: now + REUSE_MS, headers })
    return headers
  }
}

function saidOf(response: ResponseValues, asked: readonly string[]): readonly (readonly string[])[] {
  return asked.map((name) => ownValue(response ?? {}, name) ?? [])
}

interface Source {
  readonly name: string
  readonly isCookie: boolean
  readonly read: Reader
  readonly encode: Encoder
  /** The response attribute that it is. */
  readonly response: string | undefined
}

function sourcesOf({ headers, cookies = {}, separator }: IdentityConfig): readonly Source[] {
  const named = (list: Readonly<Record<string, string>>, isCookie: boolean): readonly Source[] =>
    Object.entries(list).map(([name, source]) => ({
      name: isCookie ? name : name.toLowerCase(),
      isCookie,
      read: readerOf(source),
      encode: encoderFor(isCookie ? 'cookie' : 'header', separator),
      response: source.startsWith('response:') ? source.slice('response:'.length) : undefined,
    }))
  return [...named(headers, false), ...named(cookies, true)]
}

/** Properties change only with a new gen; level and instant belong to the token. */
function isSame(found: Remembered, session: Session, facts: Facts): boolean {
  const before = found.session
  return (
    found.facts === facts &&
    (before === session ||
      (before.gen === session.gen &&
        before.authLevel === session.authLevel &&
        before.authInstant === session.authInstant))
  )
}

type Reader = (subject: Asked) => string | readonly string[] | undefined

interface Asked {
  readonly session: Session
  readonly facts: Facts
  readonly response: ResponseValues
}

interface Subject extends Asked {
  readonly sources: readonly Source[]
}

function readerOf(source: string): Reader {
  const colon = source.indexOf(':')
  const name = source.slice(colon + 1)
  if (source.startsWith('attribute:')) return ({ facts }) => ownValue(facts.attributes, name)
  if (source.startsWith('session:')) return ({ session }) => ownValue(session.properties, name)
  if (source.startsWith('response:')) return ({ response }) => ownValue(response ?? {}, name)
  if (source === 'groups') return ({ facts }) => [...facts.groups]
  if (source === 'authLevel') return ({ session }) => String(session.authLevel)
  if (source === 'anonymous') return ({ session }) => (isAnonymous(session) ? 'true' : undefined)
  const field = source as 'username' | 'userId' | 'realm' | 'sid'
  return ({ session }) => session[field]
}

/** `attribute:__proto__` is nobody's attribute. */
function ownValue<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function build(config: IdentityConfig, deps: IdentityDeps, subject: Subject): HeaderList {
  const { sources, session } = subject
  const { agent } = config
  const told: Told = { headers: [], cookies: [] }
  const lists: { readonly source: Source; readonly values: readonly string[] }[] = []
  let left = config.headerBudget
  for (const source of sources) {
    const value = source.read(subject)
    if (value === undefined) continue
    if (typeof value !== 'string') {
      lists.push({ source, values: value })
      continue
    }
    const encoded = source.encode.value(value)
    const size = source.name.length + encoded.length + 4
    if (size > left) {
      deps.log.warn({ agent, sid: session.sid, header: source.name }, 'identity header left out: over budget')
      continue
    }
    left -= size
    tell(told, source, encoded)
  }
  if (config.assertion) left -= ASSERTION_BASE
  const groups = fittingGroups(config, subject, Math.max(0, left))
  const report = (header: string, kept: number, of: number): void =>
    deps.log.warn({ agent, sid: session.sid, header, kept, of }, 'identity header cut: over budget')
  for (const { source, values } of lists) {
    const { name, encode } = source
    const cut = fitting(values, encode, Math.max(0, left))
    if (cut.length < values.length) report(name, cut.length, values.length)
    const text = cut.map(encode.item).join(encode.separator)
    left -= name.length + text.length + 4
    tell(told, source, text)
  }
  const { headers, cookies } = told
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  if (config.assertion) headers.push(ASSERTION_HEADER, assertion(config, deps, session, groups))
  return headers
}

interface Told {
  readonly headers: string[]
  readonly cookies: string[]
}

/** Nothing is said of who has no value: a header that is there and empty is a value to some applications. */
function tell({ headers, cookies }: Told, { name, isCookie }: Source, text: string): void {
  if (text === '') return
  if (isCookie) cookies.push(`${name}=${text}`)
  else headers.push(name, text)
}

/** In an assertion each group costs its quotes and a third more for base64url: it may take half of what is left. */
function fittingGroups(config: IdentityConfig, subject: Subject, left: number): readonly string[] {
  return config.assertion ? fitting([...subject.facts.groups], IN_ASSERTION, Math.floor((left * 3) / 8)) : []
}

/** As many values from the start as fit into `bytes`, separators counted. */
function fitting(values: readonly string[], encode: Encoder, bytes: number): readonly string[] {
  let used = 0
  let count = 0
  for (const value of values) {
    used += encode.item(value).length + 3
    if (used > bytes) break
    count++
  }
  return count === values.length ? values : values.slice(0, count)
}

function assertion(config: IdentityConfig, deps: IdentityDeps, session: Session, groups: readonly string[]): string {
  const { username, realm, authLevel, authInstant, sid } = session
  return deps.signer.sign({
    audience: config.audience,
    subject: session.userId,
    claims: {
      username,
      realm,
      groups,
      sid,
      auth_level: authLevel,
      auth_time: Math.floor(authInstant / 1_000),
      amr: session.authModules,
      ...(isAnonymous(session) ? { anonymous: true } : {}),
    },
  })
}
