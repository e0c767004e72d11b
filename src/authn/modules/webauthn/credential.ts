import type { JsonValue } from '../../../crypto/seal.ts'
import type { Factor, FactorStore } from '../../../identity/factors.ts'

/** What a WebAuthn factor keeps (the credential record of WebAuthn Level 3 §4). Its id is the factor's key. */
export interface CredentialData {
  readonly credentialId: string
  /** COSE_Key (RFC 9052 §7), base64url. */
  readonly publicKey: string
  /** Of signatures, as the authenticator said last; 0 where it does not count. */
  readonly counter: number
  readonly transports: readonly string[]
  /** What the authenticator knows its owner by: random, nobody's name. */
  readonly userHandle: string
  /** Whether it may be synchronised between devices. Never changes. */
  readonly backupEligible: boolean
  readonly backedUp: boolean
  /** Model; anybody may claim any unless attested. */
  readonly aaguid: string
  /** SHA-256 fingerprint of the root that the maker's certificates end at, where the module wanted to know. */
  readonly attestedBy?: string
  /** Challenges that were answered with it and are not over yet: digest, and when they are (milliseconds since the epoch). */
  readonly used: readonly (readonly [digest: string, until: number])[]
}

export interface CredentialFactor {
  readonly factor: Factor
  readonly credential: CredentialData
}

export const WEBAUTHN = 'webauthn'

export async function credentialsOf(factors: FactorStore, userId: string): Promise<readonly CredentialFactor[]> {
  return (await factors.list(userId))
    .filter(({ type }) => type === WEBAUTHN)
    .map((factor) => ({ factor, credential: credentialOf(factor) }))
}

/** Written by this module alone. */
export function credentialOf({ data }: Pick<Factor, 'data'>): CredentialData {
  return data as unknown as CredentialData
}

export function factorData(credential: CredentialData): JsonValue {
  return credential as unknown as JsonValue
}
