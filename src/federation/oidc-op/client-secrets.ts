import { hash as digest, timingSafeEqual } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { networkOf } from '../../http/network.ts'
import { createNetworkLimit } from '../../identity/network-limit.ts'
import type { Counters } from '../../store/store.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import type { Library } from './library.ts'
import type { Visits } from './visits.ts'

/** Wrong secrets of one client that one network may send within the time. Nobody elsewhere can have the client refused. */
const WRONG_SECRETS = { networkFailures: 50, window: 10 * 60_000 } as const

/** Compares with the hash of a secret; `from`: the network that wants it compared, so that one that floods us keeps no other waiting. */
export type VerifySecret = (hash: string, secret: string, from: string) => Promise<boolean>

export interface ClientSecretsDeps {
  readonly realm: RealmName
  readonly library: Pick<Library, 'Provider' | 'errors'>
  readonly visits: Visits
  readonly counters: Counters
  readonly clientOf: (id: string) => OidcClientConfig | undefined
  readonly verify: VerifySecret
}

/** Secrets of clients, also those of which only the hash is known; how often they can be guessed is bounded. */
export function checkSecrets(provider: Provider, deps: ClientSecretsDeps): void {
  const { realm, library, visits } = deps
  const limit = createNetworkLimit(deps.counters, WRONG_SECRETS)
  provider.Client.prototype.compareClientSecret = async function (actual) {
    const context: KoaContextWithOIDC | undefined = library.Provider.ctx
    const from = networkOf(context && visits.of(context.req).clientIp)
    const key = `oidc-secret ${realm} ${this.clientId} ${from}`
    const entry = await limit.enter(key, () => Promise.resolve(false))
    if (entry.kind !== 'entered') {
      throw new library.errors.InvalidClientAuth('too many wrong secrets came from this network; wait ten minutes')
    }
    let isWrong = false
    try {
      const hash = deps.clientOf(this.clientId)?.secretHash
      const isRight =
        hash === undefined
          ? isSame(actual, this.clientSecret ?? '')
          : hash.startsWith(DIGEST)
            ? isSame(digestOf(actual), hash)
            : await deps.verify(hash, actual, from)
      isWrong = !isRight
      return isRight
    } finally {
      await limit.leave(key, isWrong)
    }
  }
}

const DIGEST = 'sha256:'

/** In the place of a hash, for a secret of our own making: nobody guesses 256 bits, however fast they are compared. */
export function digestOf(secret: string): string {
  return DIGEST + sha256(secret)
}

/** Of one length, whatever was sent: how long it takes tells nothing. */
function isSame(sent: string, right: string): boolean {
  return timingSafeEqual(digest('sha256', sent, 'buffer'), digest('sha256', right, 'buffer'))
}
