import type { RealmName } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import { viewOf } from '../../session/session-view.ts'
import { auditCall, permission, sessionOf, type Call, type SessionsDeps } from './call.ts'
import { FORBIDDEN, ok, problem, UNAUTHORIZED, type Reply } from './reply.ts'
import { summaryOf } from './session-facts.ts'

const PAGE = 100
const LARGEST_PAGE = 500
const LONGEST_FILTER = 1_000

/** What a list is asked for. */
export interface SessionFilter {
  readonly realm: RealmName
  readonly username: string | undefined
}

const CLAUSE = /\s*\/?(username|realm)\s+eq\s+"((?:[^"\\]|\\["\\])*)"\s*/y

/** `username eq "x" and realm eq "/y"`, in either order; `realm` alone is enough, `username` alone is not. */
export function readFilter(text: string): SessionFilter | undefined {
  if (text.length > LONGEST_FILTER) return undefined
  const found: { username?: string; realm?: string } = {}
  let at = 0
  for (;;) {
    CLAUSE.lastIndex = at
    const [whole = '', field = '', value = ''] = CLAUSE.exec(text) ?? []
    if ((field !== 'username' && field !== 'realm') || found[field] !== undefined) return undefined
    found[field] = value.replace(/\\(.)/g, '$1')
    at += whole.length
    if (at === text.length) break
    if (!text.startsWith('and', at)) return undefined
    at += 3
  }
  return found.realm === undefined ? undefined : { realm: found.realm as RealmName, username: found.username }
}

interface Page {
  readonly size: number
  /** The last sid of the page before. */
  readonly after: string | undefined
}

const SID = /^\d{4}\.[A-Za-z0-9_-]{16}$/

/** `undefined`: not a page that there can be. */
function readPage(call: Call): Page | undefined {
  const size = call.query('_pageSize') ?? String(PAGE)
  const after = call.query('_pagedResultsCookie')
  if (!/^[1-9]\d{0,5}$/.test(size) || (after !== undefined && !SID.test(after))) return undefined
  if ((call.query('_pagedResultsOffset') ?? '0') !== '0') return undefined
  return { size: Math.min(Number(size), LARGEST_PAGE), after }
}

/** `GET …/sessions?_queryFilter=…`: for administrators of the realm, and for people who ask for their own. */
export async function querySessions(deps: SessionsDeps, call: Call): Promise<Reply> {
  const filter = readFilter(call.query('_queryFilter') ?? '')
  const page = readPage(call)
  if (filter === undefined || page === undefined) {
    return problem(400, '_queryFilter: write realm eq "/NAME", or username eq "NAME" and realm eq "/NAME"')
  }
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const { realm, username } = filter
  const userId = username === undefined ? undefined : await deps.people.userIdOf(realm, username)
  const allowed = await permission(deps, caller, { realm, userId })
  const found = allowed === 'none' ? [] : await find(deps, { realm, userId, named: username !== undefined }, page)
  if (allowed !== 'own') {
    const target = { realm, ...(username === undefined ? {} : { username }) }
    const outcome = allowed === 'none' ? 'refused' : 'done'
    auditCall(deps, call, { caller, action: 'list', outcome, target, count: found.length })
  }
  return allowed === 'none' ? FORBIDDEN : ok(resultOf(found, page))
}

async function find(
  deps: SessionsDeps,
  { realm, userId, named }: { readonly realm: RealmName; readonly userId: string | undefined; readonly named: boolean },
  { size, after }: Page,
): Promise<readonly Session[]> {
  if (named) {
    const all = userId === undefined ? [] : await deps.sessions.ofUser({ realm, userId })
    const sorted = [...all].sort((one, other) => (one.sid < other.sid ? -1 : 1))
    return sorted.filter(({ sid }) => after === undefined || sid > after).slice(0, size)
  }
  const records = await deps.records.list({ realm, limit: size, ...(after === undefined ? {} : { after }) })
  return records.map((record) => viewOf(record, record))
}

function resultOf(found: readonly Session[], { size }: Page): object {
  const last = found.at(-1)
  return {
    result: found.map(summaryOf),
    resultCount: found.length,
    pagedResultsCookie: found.length === size && last !== undefined ? last.sid : null,
    totalPagedResultsPolicy: 'NONE',
    totalPagedResults: -1,
    remainingPagedResults: -1,
  }
}
