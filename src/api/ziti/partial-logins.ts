import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { openUnder, sealUnder } from '../../crypto/under-secret.ts'
import { hashOfApiToken, type ApiToken } from '../../session/api-token.ts'
import type { AuthQuery } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'

/** A login of which something is outstanding, and that a token stands for. */
export interface PartialLogin {
  /** Of its partial session; one person may have more logins under way than have one. */
  readonly sid: string | undefined
  /** The page that is asked now. */
  readonly authId: string
  /** Name and type of the module that asks, and what would do as well. */
  readonly stage: string
  readonly others: readonly string[]
  /** How many answers the page takes, and the place of the one that is a code; `undefined` where none is. */
  readonly answers: { readonly count: number; readonly code: number | undefined }
  /** The person has nothing to answer with, and is to set it up. */
  readonly enrols: boolean
  /** For an authenticator app: what is being set up, once the client has asked for it. */
  readonly provisioningUrl: string | undefined
  readonly isSetUpAsked: boolean
  readonly realm: RealmName
  readonly userId: string
  readonly username: string
  readonly authModules: readonly string[]
  readonly authQueries: readonly AuthQuery[]
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs
  readonly address: string
}

/** What tokens of logins under way stand for. The store has it under the token's hash, sealed under the token. */
export interface PartialLogins {
  put(token: ApiToken, login: PartialLogin): Promise<void>
  /** `undefined` also where its partial session was ended: whoever ended that ended the login. */
  find(token: ApiToken): Promise<PartialLogin | undefined>
  remove(token: ApiToken): Promise<void>
}

const NAMESPACE = 'api-partial'
const PURPOSE = 'gatehouse partial login'

export function createPartialLogins({
  store: { versioned, sessions },
  clock,
}: {
  readonly store: Pick<Store, 'sessions' | 'versioned'>
  readonly clock: Clock
}): PartialLogins {
  return {
    async put(token, login) {
      const key = hashOfApiToken(token)
      const value = sealUnder(token, PURPOSE, JSON.stringify(login))
      const ttl = Math.max(1, login.expiresAt - clock())
      // Of two answers at once both keep the page that is current now: the login itself has let one of them win.
      const found = await versioned.load(NAMESPACE, key)
      if (found === undefined) await versioned.create(NAMESPACE, key, value, ttl)
      else await versioned.replace(NAMESPACE, key, found.version, value, ttl)
    },
    async find(token) {
      const found = await versioned.load(NAMESPACE, hashOfApiToken(token))
      const text = found && openUnder(token, PURPOSE, found.value)
      const login = text === undefined ? undefined : (JSON.parse(text) as PartialLogin)
      const isOver = login?.sid !== undefined && (await sessions.find(login.sid)) === undefined
      return isOver ? undefined : login
    },
    remove: (token) => versioned.remove(NAMESPACE, hashOfApiToken(token)),
  }
}
