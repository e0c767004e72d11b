import type { Endpoint } from '../saml/metadata-endpoints.ts'
import type { Peer } from './peers.ts'

/** One that a browser can be taken to. */
export function isBrowserEndpoint({ binding }: Endpoint): boolean {
  return binding !== 'soap'
}

/** Where the partner is told from here. */
export function soapOf({ logout }: Pick<Peer, 'logout'>): Endpoint | undefined {
  return logout.find(({ binding }) => binding === 'soap')
}
