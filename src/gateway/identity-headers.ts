import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import type { AssertionSigner } from '../crypto/assertion.ts'
import type { Facts } from '../policy/decision.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session } from '../session/session.ts'
import type { Log } from '../telemetry/log.ts'
import type { HeaderList } from './upstream/upstream.ts'

/** The header that carries the signed assertion. */
export const ASSERTION_HEADER = 'x-gatehouse-assertion'

/** What the application is told about the user of this session, as header lines. */
export type IdentityHeaders = (session: Session, facts: Facts) => HeaderList

export interface IdentityConfig {
  readonly agent: string
  /** The site's origin: audience of its assertions. */
  readonly audience: string
  /** Header name to source, as in the agent profile. */
  readonly headers: Readonly<Record<string, string>>
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

/** An assertion lives for a minute; the same one serves for the first part of it, and signing costs nothing per request. */
const REUSE_MS = 20_000
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
  const sources = Object.entries(config.headers).map(([name, source]) => ({
    name: name.toLowerCase(),
    read: readerOf(source),
  }))
  const remembered = new LRUCache<string, Remembered>({ max: deps.maxRemembered })
  return (session, facts) => {
    const now = deps.clock()
    const found = remembered.get(session.sid)
    if (found !== undefined && found.until > now && isSame(found, session, facts)) return found.headers
    const headers = build(config, deps, { sources, session, facts })
    remembered.set(session.sid, { session, facts, until: now + REUSE_MS, headers })
    return headers
  }
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

type Reader = (session: Session, facts: Facts) => string | readonly string[] | undefined

interface Subject {
  readonly sources: readonly { readonly name: string; readonly read: Reader }[]
  readonly session: Session
  readonly facts: Facts
}

function readerOf(source: string): Reader {
  const colon = source.indexOf(':')
  const name = source.slice(colon + 1)
  if (source.startsWith('attribute:')) return (_, facts) => ownValue(facts.attributes, name)
  if (source.startsWith('session:')) return (session) => ownValue(session.properties, name)
  if (source === 'groups') return (_, facts) => [...facts.groups]
  if (source === 'authLevel') return (session) => String(session.authLevel)
  if (source === 'anonymous') return (session) => (isAnonymous(session) ? 'true' : undefined)
  const field = source as 'username' | 'userId' | 'realm' | 'sid'
  return (session) => session[field]
}

/** `attribute:__proto__` is nobody's attribute. */
function ownValue<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function build(config: IdentityConfig, deps: IdentityDeps, subject: Subject): HeaderList {
  const { sources, session } = subject
  const headers: string[] = []
  const lists: { readonly name: string; readonly values: readonly string[] }[] = []
  let left = config.headerBudget
  for (const { name, read } of sources) {
    const value = read(session, subject.facts)
    if (value === undefined) continue
    if (typeof value !== 'string') {
      lists.push({ name, values: value })
      continue
    }
    const encoded = encodeValue(value)
    left -= name.length + encoded.length + 4
    if (left >= 0) headers.push(name, encoded)
    else deps.log.warn({ agent: config.agent, sid: session.sid, header: name }, 'identity header left out: over budget')
  }
  if (config.assertion) left -= ASSERTION_BASE
  const groups = fittingGroups(config, subject, Math.max(0, left))
  const report = (header: string, kept: number, of: number): void =>
    deps.log.warn({ agent: config.agent, sid: session.sid, header, kept, of }, 'identity header cut: over budget')
  for (const { name, values } of lists) {
    const cut = fitting(values, Math.max(0, left))
    if (cut.length < values.length) report(name, cut.length, values.length)
    const text = cut.map(encodeItem).join(',')
    left -= name.length + text.length + 4
    if (text !== '') headers.push(name, text)
  }
  if (config.assertion) headers.push(ASSERTION_HEADER, assertion(config, deps, session, groups))
  return headers
}

/** In an assertion each group costs its quotes and a third more for base64url: it may take half of what is left. */
function fittingGroups(config: IdentityConfig, subject: Subject, left: number): readonly string[] {
  return config.assertion ? fitting([...subject.facts.groups], Math.floor((left * 3) / 8)) : []
}

/** As many values from the start as fit into `bytes`, separators counted. */
function fitting(values: readonly string[], bytes: number): readonly string[] {
  let used = 0
  let count = 0
  for (const value of values) {
    used += encodeItem(value).length + 3
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

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/
const PLAIN_ITEM = /^[\x20-\x24\x26-\x2b\x2d-\x7e]*$/

/** One header value: `%`, controls (response splitting) and everything beyond ASCII percent-encoded as UTF-8. */
function encodeValue(value: string): string {
  return PLAIN.test(value) ? value.trim() : percentEncode(value, false)
}

/** The same within a list, where a comma inside a value must not make two of it. */
function encodeItem(value: string): string {
  return PLAIN_ITEM.test(value) ? value.trim() : percentEncode(value, true)
}

function percentEncode(value: string, commas: boolean): string {
  let out = ''
  for (const byte of Buffer.from(value.toWellFormed().trim(), 'utf8')) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x25 && !(commas && byte === 0x2c)
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
