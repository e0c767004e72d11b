import { isDeepStrictEqual } from 'node:util'
import type { ChangedDecision } from '../api/ports.ts'
import type { EpochMs } from '../base/brand.ts'
import type { AskedRequest, Asker } from '../gateway/policy-query.ts'
import { evaluate } from '../gateway/policy-query.ts'
import type { Decision, PolicyDecisionPoint } from '../policy/decision.ts'
import { listed } from '../policy/step.ts'
import { verdictOf } from './explanation-text.ts'
import { plain } from './text-table.ts'

/** One request of a log, as far as it says. */
export interface RecordedRequest {
  readonly user: string
  /** The whole URL, or the path at the site of `agent`. */
  readonly url: string | undefined
  readonly agent: string | undefined
  readonly path: string
  readonly method: string
  readonly ip: string
  readonly at: EpochMs
  readonly level: number | undefined
  readonly modules: readonly string[] | undefined
  /** What it said of its environment; logs have none of it, lists may. */
  readonly environment: Readonly<Record<string, readonly string[]>>
}

/** What a log says of whoever has a session. */
interface Known {
  readonly user: string
  readonly level: number | undefined
  readonly modules: readonly string[] | undefined
}

export interface ReadLog {
  readonly requests: readonly RecordedRequest[]
  /** Lines that tell of no request of anybody known. */
  readonly skipped: number
}

/**
 * Reads lines of the audit log and of the access log, together and in any order, and lists of requests (`user`, `url`, `method`, `ip`,
 * `level`). A line of the access log has no name: whose session it was, and what it had proved, is in the audit log.
 */
export function readLog(texts: readonly string[]): ReadLog {
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '')
  const entries = lines.map(entryOf)
  const sessions = new Map<string, Known>()
  for (const entry of entries) if (entry !== undefined) learn(sessions, entry)
  const requests = entries.flatMap((entry) => {
    const request = entry === undefined ? undefined : requestOf(entry, sessions)
    return request === undefined ? [] : [request]
  })
  return { requests, skipped: lines.length - requests.length }
}

type Entry = Readonly<Record<string, unknown>>

function entryOf(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Entry) : undefined
  } catch {
    return undefined
  }
}

const textIn = (entry: Entry, key: string): string | undefined => {
  const value = entry[key]
  return typeof value === 'string' ? value : undefined
}
const numberIn = (entry: Entry, key: string): number | undefined => {
  const value = entry[key]
  return typeof value === 'number' ? value : undefined
}
const textsIn = (entry: Entry, key: string): readonly string[] | undefined => {
  const value = entry[key]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined
}

/** The last that is known counts: a session may have been upgraded. */
function learn(sessions: Map<string, Known>, entry: Entry): void {
  const [sid, user] = [textIn(entry, 'sid'), textIn(entry, 'username')]
  if (sid === undefined || user === undefined) return
  const before = sessions.get(sid)
  const level = numberIn(entry, 'authLevel') ?? before?.level
  sessions.set(sid, { user, level, modules: textsIn(entry, 'modules') ?? before?.modules })
}

function requestOf(entry: Entry, sessions: ReadonlyMap<string, Known>): RecordedRequest | undefined {
  const url = textIn(entry, 'url')
  const path = textIn(entry, 'path')
  const agent = textIn(entry, 'agent') ?? textIn(entry, 'site')
  const known = sessions.get(textIn(entry, 'sid') ?? '')
  const user = textIn(entry, 'user') ?? textIn(entry, 'username') ?? known?.user
  if (user === undefined || (url === undefined && (path === undefined || agent === undefined || agent === 'login')))
    return undefined
  return {
    user,
    url,
    agent,
    path: path ?? '',
    method: textIn(entry, 'method') ?? 'GET',
    ip: textIn(entry, 'ip') ?? textIn(entry, 'clientIp') ?? '127.0.0.1',
    at: timeOf(entry),
    level: numberIn(entry, 'level') ?? numberIn(entry, 'authLevel') ?? known?.level,
    modules: textsIn(entry, 'modules') ?? known?.modules,
    environment: environmentIn(entry),
  }
}

function environmentIn({ environment }: Entry): RecordedRequest['environment'] {
  if (typeof environment !== 'object' || environment === null) return {}
  const named = environment as Entry
  return Object.fromEntries(
    Object.keys(named).flatMap((name) => {
      const values = textsIn(named, name)
      return values === undefined ? [] : [[name, values]]
    }),
  )
}

function timeOf(entry: Entry): EpochMs {
  const text = textIn(entry, 'time') ?? textIn(entry, 'at')
  const at = text === undefined ? (numberIn(entry, 'time') ?? Number.NaN) : Date.parse(text)
  return (Number.isNaN(at) ? Date.now() : at) as EpochMs
}

/** One question, asked of two sets of policies. */
export interface Replayed {
  readonly request: AskedRequest
  readonly asker: Asker
}

/** Every decision that would be another under the draft, each once; so is one that tells the application something else. */
export function changesUnder(draft: PolicyDecisionPoint, replayed: readonly Replayed[]): readonly ChangedDecision[] {
  const changes = new Map<string, ChangedDecision>()
  for (const { request, asker } of replayed) {
    const now = evaluate(request, asker)
    const then = evaluate({ ...request, site: { ...request.site, pdp: draft } }, asker)
    const tells = !isDeepStrictEqual(now.attributes, then.attributes)
    const [before, after] = [now, then].map((decision) => `${verdictOf(decision)}${tells ? told(decision) : ''}`)
    if (before === undefined || after === undefined || before === after) continue
    const { scheme, host, port } = request.site.resourceBase
    const url = `${scheme}://${host}:${port}${request.target.target}`
    const change = { user: asker.session.username, method: request.method, url, before, after }
    const key = JSON.stringify(change)
    changes.set(key, { ...change, count: (changes.get(key)?.count ?? 0) + 1 })
  }
  return [...changes.values()]
}

/** Response attributes in a few words. */
function told({ attributes = {} }: Decision): string {
  const parts = Object.entries(attributes).map(([name, values]) => plain(`${name} = ${listed(values)}`))
  return `, telling ${parts.join('; ') || 'nothing'}`
}
