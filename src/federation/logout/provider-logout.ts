import type { Session } from '../../session/session.ts'
import type { LogoutProtocol } from './logout-protocol.ts'

/** Name of the protocol by which people are signed out at the provider that their session began with. */
export const PROVIDERS = 'provider'

/** Where the session's person signs out at the provider that it began with; asked before it ends. */
export type ProviderLogout = (
  session: Session,
) => Promise<{ readonly url: string; readonly title: string; readonly provider: string } | undefined>

/** The provider of others that a session began with. It is told by an address of its own, and sends people back to ours. */
export function providerLogout(logout: ProviderLogout, visited: (session: Session) => Promise<void>): LogoutProtocol {
  return {
    name: PROVIDERS,
    async knownTo(session) {
      const found = await logout(session)
      if (found === undefined) return []
      const { url, title, provider } = found
      return [{ protocol: PROVIDERS, partner: provider, title, data: url, way: 'browser' }]
    },
    visited,
    request: (_realm, { data }) => Promise.resolve({ kind: 'redirect', url: data }),
    answer: () => Promise.resolve(undefined),
    untold: () => Promise.resolve(new Set()),
  }
}
