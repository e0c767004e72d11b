import { verifyRegistrationResponse } from '@simplewebauthn/server'
import { isAcceptableFormat, isTrusted, makerOf, type AttestationPolicy } from './attestation.ts'
import { bytesOf, type RelyingParty } from './assertion.ts'
import type { Challenge } from './challenge.ts'
import type { CredentialData } from './credential.ts'
import { isOwnContext, type Registration } from './response.ts'

export interface RegistrationPolicy {
  readonly rp: RelyingParty
  readonly userVerification: boolean
  /** COSE algorithm identifiers (RFC 9053), the preferred first. */
  readonly algorithms: readonly number[]
  readonly attestation: AttestationPolicy
}

/** Judges a new credential (WebAuthn Level 3 §7.1). `undefined` for one that is not accepted. Keeps nothing. */
export async function verifyRegistration(
  { id, rawId, type, response }: Registration,
  { value, handle }: Challenge,
  { policy, now }: { readonly policy: RegistrationPolicy; readonly now: Date },
): Promise<CredentialData | undefined> {
  const attestationObject = bytesOf(response.attestationObject)
  if (!isOwnContext(response.clientDataJSON) || !isAcceptableFormat(attestationObject, policy.attestation)) {
    return undefined
  }
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { id, rawId, type, response, clientExtensionResults: {} },
      expectedChallenge: value,
      expectedOrigin: [...policy.rp.origins],
      expectedRPID: policy.rp.id,
      requireUserVerification: policy.userVerification,
      supportedAlgorithmIDs: [...policy.algorithms],
    })
    if (!verified) return undefined
    const { aaguid, credential, credentialDeviceType, credentialBackedUp } = registrationInfo
    // What the key signed, not what the page says beside it.
    const attestedBy = makerOf(attestationObject, policy.attestation, now)
    const make = { aaguid, ...(attestedBy === undefined ? {} : { attestedBy }) }
    if (credential.id !== id || !isTrusted(make, policy.attestation)) return undefined
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: response.transports,
      userHandle: handle,
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      ...make,
      used: [],
    }
  } catch {
    // The library throws for every registration that is wrong, and does nothing else that could fail.
    return undefined
  }
}
