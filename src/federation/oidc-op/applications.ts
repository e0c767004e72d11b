import type { RealmName } from '../../base/brand.ts'
import { consentEpochKey } from '../../session/lasting-epochs.ts'
import type { Epochs } from '../../store/store.ts'
import { scopesTelling, type Claims } from './account-claims.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import type { Consents } from './consents.ts'

/** An application that a person has agreed to, as the account page shows it. */
export interface Application {
  /** `client_id`. */
  readonly id: string
  readonly title: string
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly agreedAt: number
}

/** What people have let applications do, for themselves to see and to take back. */
export interface Applications {
  /** By title. */
  of(userId: string): Promise<readonly Application[]>
  /**
   * Ends everything that the application has of the person, in every session and beyond: codes, access and refresh tokens. It has to ask
   * again. False for one that they have not agreed to.
   */
  takeBack(userId: string, clientId: string): Promise<boolean>
}

export interface ApplicationsDeps {
  readonly realm: RealmName
  readonly consents: Consents
  readonly epochs: Pick<Epochs, 'raise'>
  readonly clientOf: (id: string) => OidcClientConfig | undefined
  readonly claimsFor: (clientId: string) => Claims
}

export function createApplications(deps: ApplicationsDeps): Applications {
  const { realm, consents, epochs, clientOf, claimsFor } = deps
  return {
    async of(userId) {
      const all = Object.entries(await consents.of(userId)).map(([id, { scopes, claims, isLasting, agreedAt }]) => {
        const telling = claims.flatMap((claim) => scopesTelling(claimsFor(id), claim).slice(0, 1))
        const shown = new Set([...scopes, ...telling, ...(isLasting ? ['offline_access'] : [])])
        return { id, title: clientOf(id)?.name ?? id, scopes: [...shown], agreedAt }
      })
      return all.sort((one, other) => one.title.localeCompare(other.title))
    },
    async takeBack(userId, clientId) {
      const wasThere = await consents.remove(userId, clientId)
      // Where the record was lost as well: what is asked for is that nothing goes on. Of names that are nobody's no counter is kept.
      if (wasThere || clientOf(clientId) !== undefined) await epochs.raise(consentEpochKey({ realm, userId }, clientId))
      return wasThere
    },
  }
}
