import type { RealmName } from '../../base/brand.ts'
import { randomName } from '../../base/random-id.ts'
import { PURPOSES } from '../../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { fault } from '../../errors.ts'
import type { Session, SessionService } from '../../session/session.ts'
import type { VersionedRecords } from '../../store/store.ts'
import { AFTERWARDS_MS } from '../logout/kept-marks.ts'
import type { NameId } from '../saml/assertion.ts'
import { indexHash, MARK, markOf, markText, nameHash } from './session-mark.ts'

const OWNERS = 'saml-owners'
const NAMES = 'saml-names'

/** Who somebody is at the provider, and in which session there: what a LogoutRequest names (SAML Core 2.0 §3.7.1). */
export interface IdpSession {
  readonly nameId: NameId
  readonly sessionIndex: string | undefined
}

export interface IdpSessionsDeps {
  readonly realm: RealmName
  /** Of the provider, in the configuration. */
  readonly name: string
  readonly versioned: VersionedRecords
  readonly sealer: Sealer
  readonly sessions: Pick<SessionService, 'ofUser'>
}

/** What ties sessions here to those at one SAML provider. */
export interface IdpSessions {
  /** The property that a session gets which begins with this; `longestMs`: how long it may live. */
  begin(there: IdpSession, userId: string, longestMs: number): Promise<Readonly<Record<string, string>>>
  /** `undefined` for a session that did not begin with this provider, or of which nothing is kept any more. */
  of(session: Pick<Session, 'properties'>): Promise<IdpSession | undefined>
  /** Removes what is kept of it. */
  forget(session: Pick<Session, 'properties'>): Promise<void>
  /** Sessions here of that name at the provider; of these sessions there alone where any are named. */
  sessionsOf(nameId: NameId, sessionIndexes: readonly string[]): Promise<readonly Session[]>
}

export function createIdpSessions({ realm, name, versioned, sealer, sessions }: IdpSessionsDeps): IdpSessions {
  const ownerKey = (hash: string): string => sha256(JSON.stringify([realm, name, hash]))

  /** Whose a name of the provider is, for as long as a session with it may live. */
  const remember = async (key: string, userId: string, ttlMs: number): Promise<void> => {
    if (await versioned.create(OWNERS, key, userId, ttlMs)) return
    const found = await versioned.load(OWNERS, key)
    if (found !== undefined) await versioned.replace(OWNERS, key, found.version, userId, ttlMs)
  }

  return {
    async begin(there, userId, longestMs) {
      const { nameId, sessionIndex } = there
      const record = randomName()
      const sealed = sealer.seal('factors', [NAMES, record, JSON.stringify(there)], PURPOSES.factors.longestLifeMs)
      if (!(await versioned.create(NAMES, record, sealed, longestMs + AFTERWARDS_MS)))
        throw fault('GH_INTERNAL', { detail: 'a random name came twice' })
      await remember(ownerKey(nameHash(nameId)), userId, longestMs)
      const index = sessionIndex === undefined ? '' : indexHash(sessionIndex)
      return { [MARK]: markText({ provider: name, name: nameHash(nameId), index, record }) }
    },

    async of(session) {
      const mark = markOf(session)
      const found = mark?.provider === name ? await versioned.load(NAMES, mark.record) : undefined
      if (found === undefined) return undefined
      const opened = sealer.open('factors', found.value)
      const [what, place, text] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
      if (what !== NAMES || place !== mark?.record || typeof text !== 'string')
        throw fault('GH_STORE_UNAVAILABLE', { detail: 'what a SAML provider calls a session cannot be read' })
      return JSON.parse(text) as IdpSession
    },

    async forget(session) {
      const mark = markOf(session)
      if (mark?.provider === name) await versioned.remove(NAMES, mark.record)
    },

    async sessionsOf(nameId, sessionIndexes) {
      const hash = nameHash(nameId)
      const owner = await versioned.load(OWNERS, ownerKey(hash))
      if (owner === undefined) return []
      const indexes = sessionIndexes.map(indexHash)
      const all = await sessions.ofUser({ realm, userId: owner.value })
      return all.filter((session) => {
        const mark = markOf(session)
        if (mark?.provider !== name || mark.name !== hash) return false
        return indexes.length === 0 || indexes.includes(mark.index)
      })
    },
  }
}
