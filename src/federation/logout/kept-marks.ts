import type { Clock } from '../../base/clock.ts'
import type { Session, SessionService } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import * as oidc from '../oidc-rp/session-mark.ts'
import { update, type Shelf } from '../oidc-op/records.ts'
import * as saml from '../saml-sp/session-mark.ts'

/** By which protocol a session began with a provider; the session property of that name has its mark. */
export type MarkKind = typeof oidc.MARK | typeof saml.MARK

/** A session's tie to one at a provider, as the session had it. What it names is sealed in records of their own. */
export interface KeptMark {
  readonly kind: MarkKind
  /** Of the provider, in the configuration. */
  readonly provider: string
  readonly text: string
  /** The browser goes there itself. */
  readonly isVisited?: true
}

/** All that is left of a session's ties when it is over. */
export interface MarksOf {
  readonly marks: readonly KeptMark[]
  /** How often its end was told in vain. */
  readonly tries?: number
}

/** The ties of sessions to those at providers, by sid: an end is told after the session is gone, and with it its properties. */
export interface KeptMarks {
  keep(session: Pick<Session, 'sid' | 'properties' | 'maxExpiresAt'>): Promise<void>
  of(sid: string): Promise<MarksOf | undefined>
  /** The browser is going to sign out there, so that it is not told from here. */
  visited(sid: string, kind: MarkKind, provider: string): Promise<void>
  /** Some could not be told: leaves those. */
  leave(sid: string, left: MarksOf): Promise<void>
  remove(sid: string): Promise<void>
}

const NAMESPACE = 'provider-marks'
/** Longer than an outbox tries to tell of an end. */
export const AFTERWARDS_MS = 25 * 60 * 60_000
/** More logins by providers than one session has; the oldest go. */
const MOST_MARKS = 8

export function createKeptMarks({
  store: { versioned },
  clock,
}: {
  readonly store: Pick<Store, 'versioned'>
  readonly clock: Clock
}): KeptMarks {
  const shelf: Shelf = {
    load: (key) => versioned.load(NAMESPACE, key),
    create: (key, value, ttlMs) => versioned.create(NAMESPACE, key, value, ttlMs),
    replace: (key, version, value, ttlMs) => versioned.replace(NAMESPACE, key, version, value, ttlMs),
    remove: (key) => versioned.remove(NAMESPACE, key),
  }
  const read = (value: string): MarksOf => JSON.parse(value) as MarksOf

  return {
    async keep({ sid, properties, maxExpiresAt }) {
      const marks = marksIn(properties)
      if (marks.length === 0) return
      await update(shelf, sid, {
        ttlMs: Math.max(0, maxExpiresAt - clock()) + AFTERWARDS_MS,
        change(value) {
          const before = value === undefined ? [] : read(value).marks
          const others = before.filter((each) => !marks.some((mark) => isSame(mark, each)))
          return JSON.stringify({ marks: [...others, ...marks].slice(-MOST_MARKS) } satisfies MarksOf)
        },
      })
    },
    async of(sid) {
      const found = await shelf.load(sid)
      return found && read(found.value)
    },
    async visited(sid, kind, provider) {
      await update(shelf, sid, {
        ttlMs: AFTERWARDS_MS,
        change(value) {
          if (value === undefined) return undefined
          const { marks, ...more } = read(value)
          const isIt = (mark: KeptMark): boolean => mark.kind === kind && mark.provider === provider
          return JSON.stringify({
            ...more,
            marks: marks.map((mark) => (isIt(mark) ? { ...mark, isVisited: true } : mark)),
          })
        },
      })
    },
    leave: (sid, left) => update(shelf, sid, { ttlMs: AFTERWARDS_MS, change: () => JSON.stringify(left) }),
    remove: (sid) => shelf.remove(sid),
  }
}

/** The same sessions, of which each that began with a provider is told of when it is over: before anybody has its token. */
export function markKeeping(sessions: SessionService, marks: Pick<KeptMarks, 'keep'>): SessionService {
  return {
    ...sessions,
    async establish(draft, origin, replaces) {
      const outcome = await sessions.establish(draft, origin, replaces)
      if (outcome.kind === 'established') await marks.keep(outcome.issued.session)
      return outcome
    },
    async upgrade(session, proof, origin) {
      const issued = await sessions.upgrade(session, proof, origin)
      if (issued !== undefined) await marks.keep(issued.session)
      return issued
    },
  }
}

function marksIn(properties: Session['properties']): readonly KeptMark[] {
  const all: KeptMark[] = []
  const [byOidc, bySaml] = [oidc.markOf({ properties }), saml.markOf({ properties })]
  if (byOidc !== undefined) all.push({ kind: oidc.MARK, provider: byOidc.provider, text: oidc.markText(byOidc) })
  if (bySaml !== undefined) all.push({ kind: saml.MARK, provider: bySaml.provider, text: saml.markText(bySaml) })
  return all
}

/** Tokens are of one login. A SAML session that somebody proves anew is told once. */
function isSame(one: KeptMark, other: KeptMark): boolean {
  const of = ({ kind, text }: KeptMark): string => (kind === saml.MARK ? text.slice(0, text.lastIndexOf(' ')) : text)
  return one.kind === other.kind && of(one) === of(other)
}
