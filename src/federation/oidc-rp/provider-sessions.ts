import { LRUCache } from 'lru-cache'
import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { Session, SessionService } from '../../session/session.ts'
import type { OneTimeRecords, VersionedRecords } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Claims } from '../claims.ts'
import type { ProviderLogout } from '../login-provider.ts'
import { AFTERWARDS_MS } from '../logout/kept-marks.ts'
import type { LogoutNotice, ProviderClient, Proved } from './provider.ts'
import type { ProviderConfig } from './providers.schema.ts'
import { MARK, markOf, markText, sidHash } from './session-mark.ts'
import type { TokenKeeper } from './token-keeper.ts'

const OWNERS = 'oidc-owners'
const LOGOUTS = 'oidc-logout-jti'
/** Longer than a logout token is ever accepted. */
const JTI_MS = 900_000
const MOST_WATCHED = 50_000
/** While nothing is known of a look that was begun. */
const LOOKING_MS = 60_000
const NOBODY = { requestId: undefined, clientIp: undefined }

export interface ProviderSessionsDeps {
  readonly realm: RealmName
  readonly name: string
  readonly config: ProviderConfig
  readonly client: ProviderClient
  readonly tokens: TokenKeeper
  readonly store: { readonly versioned: VersionedRecords; readonly oneTime: OneTimeRecords }
  readonly sessions: Pick<SessionService, 'end' | 'ofUser'>
  readonly clock: Clock
  readonly log: Log
}

/** What ties sessions here to those at one provider. */
export interface ProviderSessions {
  /** The property that a session gets which begins with this proof; `longestMs`: how long it may live. */
  begin(proved: Proved, userId: string, longestMs: number): Promise<Readonly<Record<string, string>>>
  /** Notes that a session is used: its tokens are refreshed beside the request, never on its way. */
  used(session: Session): void
  /** Where its person signs out at the provider; asked before it is ended. */
  logout(session: Session, returnTo: string): Promise<ProviderLogout | undefined>
  /** A session has ended that began with this mark: its tokens are taken back, where the provider does not know (`isTold`). */
  ended(mark: string, end: { readonly userId: string; readonly isTold: boolean }): Promise<void>
  /** A logout token from the provider. False for one that is not good. */
  signedOut(token: string): Promise<boolean>
}

export function createProviderSessions(deps: ProviderSessionsDeps): ProviderSessions {
  const { realm, name, config, client, tokens, store, sessions, clock, log } = deps
  const watched = new LRUCache<string, { readonly askAt: number }>({ max: MOST_WATCHED })
  const keyOf = (what: 'sid' | 'sub', value: string): string => sha256(JSON.stringify([realm, name, what, value]))

  /** Whose a session, or a `sub`, of the provider is, for as long as a session with it may live. */
  const remember = async (key: string, userId: string, ttlMs: number): Promise<void> => {
    if (await store.versioned.create(OWNERS, key, userId, ttlMs)) return
    const found = await store.versioned.load(OWNERS, key)
    if (found !== undefined) await store.versioned.replace(OWNERS, key, found.version, userId, ttlMs)
  }

  const look = async (session: Session, record: string): Promise<void> => {
    const { kind, askAgainAt } = await tokens.refresh(record, client)
    watched.set(record, { askAt: askAgainAt })
    if (kind === 'failed')
      log.warn({ realm, provider: name, sid: session.sid }, 'the tokens of a session could not be refreshed')
    if (kind === 'over') await sessions.end(session.sid, 'provider', NOBODY)
  }

  const endAt = async ({ sub, sid }: LogoutNotice): Promise<void> => {
    const owner = await store.versioned.load(OWNERS, sid === undefined ? keyOf('sub', sub ?? '') : keyOf('sid', sid))
    if (owner === undefined) return
    const hash = sid === undefined ? undefined : sidHash(sid)
    for (const session of await sessions.ofUser({ realm, userId: owner.value })) {
      const mark = markOf(session)
      if (mark?.provider === name && (hash === undefined || mark.sid === hash)) {
        await sessions.end(session.sid, 'provider', NOBODY)
      }
    }
  }

  return {
    async begin({ claims, tokens: given }, userId, longestMs) {
      const sid = sidOf(claims)
      await remember(keyOf('sub', claims.sub), userId, longestMs)
      if (sid !== undefined) await remember(keyOf('sid', sid), userId, longestMs)
      // The ID token alone is what signing out there needs.
      const worth = config.keepTokens ? given : { idToken: given.idToken, accessToken: '' }
      const record = config.keepTokens || config.logout ? await tokens.keep(worth, longestMs + AFTERWARDS_MS) : ''
      return { [MARK]: markText({ provider: name, sid: sid === undefined ? '' : sidHash(sid), tokens: record }) }
    },

    used(session) {
      const record = config.keepTokens ? markOf(session)?.tokens : undefined
      if (record === undefined || record === '') return
      const now = clock()
      if (now < (watched.get(record)?.askAt ?? 0)) return
      watched.set(record, { askAt: now + LOOKING_MS })
      look(session, record).catch((error: unknown) => {
        watched.set(record, { askAt: clock() + 1_000 })
        log.warn(
          { err: error, realm, provider: name, sid: session.sid },
          'the tokens of a session could not be looked at',
        )
      })
    },

    async logout(session, returnTo) {
      const record = markOf(session)?.tokens ?? ''
      if (record === '') return undefined
      try {
        const kept = await tokens.read(record)
        return kept && (await client.logout(kept.idToken, returnTo))
      } catch (error) {
        // A provider that is away keeps nobody from signing out here.
        log.warn(
          { err: error, realm, provider: name, sid: session.sid },
          'a person could not be signed out at their provider',
        )
        return undefined
      }
    },

    async ended(text, { userId, isTold }) {
      const mark = markOf({ properties: { [MARK]: text } })
      if (mark === undefined || mark.tokens === '') return
      // What it takes back may end all that the person has from it; they may be signed in by the same session of its once more.
      const isLast = async (): Promise<boolean> =>
        (await sessions.ofUser({ realm, userId })).every((session) => {
          const other = markOf(session)
          return other?.provider !== name || other.sid !== mark.sid
        })
      if (config.keepTokens && !isTold && (await isLast())) await tokens.revoke(mark.tokens, client)
      else await tokens.forget(mark.tokens)
    },

    async signedOut(token) {
      const notice = await client.readLogoutToken(token)
      if (notice === undefined) return false
      const key = sha256(JSON.stringify([realm, name, notice.jti]))
      if (!(await store.oneTime.put(LOGOUTS, key, '', JTI_MS))) return false
      try {
        await endAt(notice)
      } catch (error) {
        // The provider sends it again, and then it has to count.
        await store.oneTime.take(LOGOUTS, key)
        throw error
      }
      return true
    },
  }
}

function sidOf({ sid }: Claims): string | undefined {
  return typeof sid === 'string' && sid !== '' ? sid : undefined
}
