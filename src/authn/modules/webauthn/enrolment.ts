import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../base/clock.ts'
import type { JsonValue } from '../../../crypto/seal.ts'
import type { User } from '../../../identity/directory.ts'
import type { FactorStore } from '../../../identity/factors.ts'
import type { Callback } from '../../step.ts'
import type { Enrolment } from '../module.ts'
import type { Challenge, Challenges } from './challenge.ts'
import { credentialsOf, factorData, WEBAUTHN, type CredentialFactor } from './credential.ts'
import { verifyRegistration, type RegistrationPolicy } from './registration.ts'
import { parseRegistration } from './response.ts'

/** Random ones. As text they are 43; a user handle has 64 bytes at most (WebAuthn Level 3 §5.4.3). */
const HANDLE_BYTES = 32
const LONGEST_NAME = 64

export interface EnrolmentParts {
  /** Of the module. */
  readonly name: string
  readonly factors: FactorStore
  readonly challenges: Challenges
  readonly policy: RegistrationPolicy
  readonly clock: Clock
  readonly title: string
  readonly timeoutMs: number
  /** Whether the key has to find its owner's account by itself, so that a login can begin with it. */
  readonly discoverable: boolean
}

/** Sets up one more key: the browser makes it, the person may name it. */
export function createWebauthnEnrolment(parts: EnrolmentParts): Enrolment {
  const { name, factors, challenges, policy, clock } = parts
  const ceremony = (user: User) => ({ module: name, what: 'set-up', userId: user.id }) as const
  return {
    async begin(user) {
      const present = await credentialsOf(factors, user.id)
      // One handle a user: a key that has a credential of theirs replaces it instead of offering two of one name.
      const handle = present[0]?.credential.userHandle ?? newHandle()
      const { challenge, state } = challenges.issue(ceremony(user), handle)
      return { callbacks: page(parts, { user, challenge, present }), state }
    },
    async show(user, state) {
      const challenge = challenges.open(ceremony(user), state)
      if (challenge === undefined) return undefined
      return page(parts, { user, challenge, present: await credentialsOf(factors, user.id) })
    },
    async finish(user, state, [given = '', outcome = '']) {
      const challenge = challenges.open(ceremony(user), state)
      const registration = parseRegistration(outcome)
      if (challenge === undefined || registration === undefined) return { kind: 'again' }
      const credential = await verifyRegistration(registration, challenge, { policy, now: new Date(clock()) })
      if (credential === undefined) return { kind: 'again' }
      const { credentialId: key } = credential
      // An authenticator of somebody else is theirs, and one of their own is there already.
      if ((await factors.ownerOf(key)) !== undefined) return { kind: 'again' }
      return {
        kind: 'enrolled',
        factor: {
          type: WEBAUTHN,
          name: nameOf(given === '' ? registration.deviceName : given),
          key,
          data: factorData(credential),
        },
      }
    },
  }
}

interface Page {
  readonly user: User
  readonly challenge: Challenge
  readonly present: readonly CredentialFactor[]
}

function page({ policy, title, timeoutMs, discoverable }: EnrolmentParts, shown: Page): readonly Callback[] {
  const { user, challenge, present } = shown
  const [displayName = user.username] = user.attributes['displayName'] ?? []
  const options: Readonly<Record<string, JsonValue>> = {
    challenge: challenge.value,
    rp: { id: policy.rp.id, name: title },
    user: { id: challenge.handle, name: user.username, displayName },
    pubKeyCredParams: policy.algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: timeoutMs,
    excludeCredentials: present.map(({ credential }) => ({
      type: 'public-key',
      id: credential.credentialId,
      transports: credential.transports,
    })),
    authenticatorSelection: {
      residentKey: discoverable ? 'required' : 'discouraged',
      requireResidentKey: discoverable,
      userVerification: policy.userVerification ? 'required' : 'discouraged',
    },
    attestation: policy.attestation.kind,
  }
  return [
    { type: 'TextInputCallback', prompt: 'key-name', defaultText: '' },
    { type: 'HiddenValueCallback', id: 'webAuthnOutcome' },
    { type: 'TextOutputCallback', message: 'enrol.webauthn.text', parameters: { realm: title } },
    { type: 'MetadataCallback', data: { _type: 'WebAuthn', _action: 'webauthn_registration', ...options } },
  ]
}

/** Bytes that are text, and of one byte each: OpenAM's SDK hands them on as such. */
function newHandle(): string {
  return Buffer.from(randomBytes(HANDLE_BYTES).toString('base64url')).toString('base64url')
}

function nameOf(given = ''): string {
  return given
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_NAME)
}
