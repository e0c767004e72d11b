import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import type { EpochMs } from '../../../base/brand.ts'
import { sha256 } from '../../../crypto/sha256.ts'
import type { FactorStore } from '../../../identity/factors.ts'
import type { FailureReason } from '../module.ts'
import type { Challenge } from './challenge.ts'
import { credentialOf, factorData, type CredentialData, type CredentialFactor } from './credential.ts'
import { isOwnContext, type Assertion } from './response.ts'
import { isExact } from './signature.ts'

/** The login host as authenticators know it. */
export interface RelyingParty {
  /** Host name of the login host. */
  readonly id: string
  /** Scheme, host and port, of the login host and of sites whose pages may do as it does: another port is another site. */
  readonly origins: readonly string[]
}

/** Proofs with one key in five minutes that are remembered; beyond, the next waits until one is over. */
const MOST_USED = 100

export interface Expected {
  readonly rp: RelyingParty
  readonly challenge: Challenge
  readonly userVerification: boolean
  /** Nobody was known before: the key has to say whose it is. */
  readonly names: boolean
}

/** What a right assertion says about its key. */
interface Used {
  readonly counter: number
  readonly backupEligible: boolean
  readonly backedUp: boolean
}

/** Judges an assertion by the credential (WebAuthn Level 3 §7.2). `undefined` for one that is not accepted. Changes nothing. */
export async function verifyAssertion(
  assertion: Assertion,
  { credentialId, publicKey, transports, userHandle }: CredentialData,
  { rp, challenge, userVerification, names }: Expected,
): Promise<Used | undefined> {
  const { userHandle: named, ...response } = assertion.response
  const said = named ?? undefined
  if (said === undefined ? names : said !== userHandle) return undefined
  if (assertion.id !== credentialId || !isOwnContext(response.clientDataJSON)) return undefined
  try {
    if (!isExact(bytesOf(response.signature), bytesOf(publicKey))) return undefined
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...assertion, response, clientExtensionResults: {} },
      expectedChallenge: challenge.value,
      expectedOrigin: [...rp.origins],
      expectedRPID: rp.id,
      requireUserVerification: userVerification,
      // The counter is judged where it is written: here two processes would both find it right.
      credential: { id: credentialId, publicKey: bytesOf(publicKey), counter: 0, transports: [...transports] },
    })
    const { newCounter, credentialDeviceType, credentialBackedUp } = authenticationInfo
    if (!verified) return undefined
    return { counter: newCounter, backupEligible: credentialDeviceType === 'multiDevice', backedUp: credentialBackedUp }
  } catch {
    // The library throws for every assertion that is wrong, and does nothing else that could fail.
    return undefined
  }
}

export interface Taking {
  readonly factors: FactorStore
  readonly userId: string
  readonly challenge: Challenge
  readonly now: EpochMs
  readonly counts: boolean
}

/** Takes what was proved, once for all processes; why not otherwise. */
export async function takeAssertion(
  { factor: { id } }: CredentialFactor,
  used: Used,
  { factors, userId, challenge, now, counts }: Taking,
): Promise<FailureReason | undefined> {
  let reason: FailureReason | undefined = 'unknown-key'
  const digest = sha256(challenge.value)
  const taken = await factors.change(userId, id, (factor) => {
    const credential = credentialOf(factor)
    const recent = credential.used.filter(([, until]) => until > now)
    reason = refusal({ credential, recent, used, digest, counts })
    if (reason !== undefined) return undefined
    const { counter, backedUp } = used
    const data = factorData({ ...credential, counter, backedUp, used: [...recent, [digest, challenge.until]] })
    return { name: factor.name, lastUsedAt: now, data }
  })
  return taken ? undefined : reason
}

interface Judged {
  readonly credential: CredentialData
  readonly recent: CredentialData['used']
  readonly used: Used
  readonly digest: string
  readonly counts: boolean
}

function refusal({ credential, recent, used, digest, counts }: Judged): FailureReason | undefined {
  if (recent.length >= MOST_USED || recent.some(([each]) => each === digest)) return 'used-challenge'
  // WebAuthn Level 3 §7.2 step 21: eligibility is for life.
  if (used.backupEligible !== credential.backupEligible) return 'wrong-assertion'
  // §6.1.1, §7.2 step 22: a counter that does not go up may be that of a copy.
  const counted = used.counter > 0 || credential.counter > 0
  return counts && counted && used.counter <= credential.counter ? 'counter-regressed' : undefined
}

export function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'))
}
