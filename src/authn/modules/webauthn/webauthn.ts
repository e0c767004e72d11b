import { X509Certificate } from 'node:crypto'
import type { AttemptOutcome } from '../../../identity/throttle.ts'
import type { User } from '../../../identity/directory.ts'
import type { JsonValue } from '../../../crypto/seal.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, FailureReason, ModuleOutcome } from '../module.ts'
import { isTrusted, type AttestationPolicy } from './attestation.ts'
import { takeAssertion, verifyAssertion, type RelyingParty } from './assertion.ts'
import { createChallenges, type Ceremony, type Challenge, type Challenges } from './challenge.ts'
import { credentialsOf, WEBAUTHN, type CredentialFactor } from './credential.ts'
import { createWebauthnEnrolment } from './enrolment.ts'
import { parseAssertion, type Assertion } from './response.ts'
import type { WebauthnConfig } from './webauthn.schema.ts'

/** IANA COSE Algorithms. */
const COSE = { ES256: -7, EdDSA: -8, RS256: -257 } as const

interface Parts {
  readonly name: string
  readonly config: WebauthnConfig
  readonly deps: AuthModuleDeps
  readonly rp: RelyingParty
  readonly challenges: Challenges
  readonly userVerification: boolean
  readonly attestation: AttestationPolicy
}

/** Passkeys and security keys (WebAuthn Level 3): a login may begin with one, or end with one. */
export const webauthnModule: AuthModuleType<WebauthnConfig> = {
  type: WEBAUTHN,
  compile(name, config, deps) {
    const { authLevel, use, multiFactor, timeout, attestation, attestationRoots, aaguids } = config
    const { factors, clock, title, loginOrigin, pageOrigins = [] } = deps
    const rp = { id: new URL(loginOrigin).hostname, origins: [loginOrigin, ...pageOrigins] }
    const challenges = createChallenges(deps, timeout)
    const beginsLogins = use !== 'second'
    const userVerification = beginsLogins || config.userVerification === 'required'
    const policy: AttestationPolicy = {
      kind: attestation,
      roots: attestationRoots.map((pem) => new X509Certificate(pem)),
      aaguids: aaguids && new Set(aaguids),
    }
    const parts: Parts = { name, config, deps, rp, challenges, userVerification, attestation: policy }
    return {
      name,
      type: WEBAUTHN,
      use,
      authLevel,
      isMultiFactor: multiFactor,
      mayStandBeside: beginsLogins,
      isEnrolled: async ({ id }) => (await credentialsOf(factors, id)).length > 0,
      enrolment: createWebauthnEnrolment({
        name,
        factors,
        challenges,
        clock,
        title,
        timeoutMs: timeout,
        discoverable: beginsLogins,
        policy: {
          rp,
          userVerification,
          algorithms: config.algorithms.map((algorithm) => COSE[algorithm]),
          attestation: policy,
        },
      }),
      process: (input) => (input.answers === undefined ? ask(parts, input) : check(parts, input, input.answers)),
    }
  },
}

async function ask(parts: Parts, { user, state, mayTell }: AuthModuleInput): Promise<ModuleOutcome> {
  const { name, config, deps, rp, challenges, userVerification, attestation } = parts
  const ceremony: Ceremony = { module: name, what: 'prove', userId: user?.id }
  const shown = challenges.open(ceremony, state)
  const issued = shown === undefined ? challenges.issue(ceremony) : undefined
  const challenge = shown ?? issued?.challenge
  // Whose keys these are, and whether there are any, is for nobody who has not proved it.
  const allowed = user !== undefined && mayTell ? await credentialsOf(deps.factors, user.id) : []
  const options: Readonly<Record<string, JsonValue>> = {
    challenge: challenge?.value ?? '',
    rpId: rp.id,
    timeout: config.timeout,
    userVerification: userVerification ? 'required' : config.userVerification,
    allowCredentials: allowed
      .filter(({ credential }) => isTrusted(credential, attestation))
      .map(({ credential: { credentialId, transports } }) => ({ type: 'public-key', id: credentialId, transports })),
  }
  return {
    kind: 'ask',
    callbacks: [
      { type: 'HiddenValueCallback', id: 'webAuthnOutcome' },
      { type: 'MetadataCallback', data: { _type: 'WebAuthn', _action: 'webauthn_authentication', ...options } },
    ],
    ...(issued?.state === undefined ? { ...(state === undefined ? {} : { state }) } : { state: issued.state }),
  }
}

/** What is judged: somebody's key, or that there is none. */
interface Candidate {
  readonly user: User | undefined
  readonly found: CredentialFactor | undefined
}

async function check(
  parts: Parts,
  { user, origin, state }: AuthModuleInput,
  [outcome = '']: readonly string[],
): Promise<ModuleOutcome> {
  const { name, config, deps, challenges } = parts
  const refuse = (reason: FailureReason, who: User | undefined): ModuleOutcome => ({
    ...(user === undefined ? { kind: 'failed' } : { kind: 'again', isSpent: true }),
    reason,
    username: who?.username,
  })
  const assertion = parseAssertion(outcome)
  if (assertion === undefined) return refuse('incomplete', user)
  const challenge = challenges.open({ module: name, what: 'prove', userId: user?.id }, state)
  if (challenge === undefined) return refuse('expired-challenge', user)
  if (user === undefined && config.use === 'second') return refuse('unknown-user', undefined)
  // Without a name the key stands for the account: who guesses at one account slows down nobody else.
  const account = user === undefined ? { username: `key ${assertion.id}` } : { username: user.username, factor: name }
  const reservation = await deps.throttle.reserve({ ...account, clientIp: origin.clientIp })
  if (reservation.kind === 'throttled') return { ...reservation, username: user?.username }
  let settled: AttemptOutcome = 'not-judged'
  let candidate: Candidate = { user, found: undefined }
  let reason: FailureReason | undefined
  try {
    candidate = await candidateOf(deps, user, assertion.id)
    reason = await judge(parts, candidate, { assertion, challenge, names: user === undefined })
    settled = reason === undefined ? 'passed' : 'failed'
  } finally {
    await reservation.settle(settled)
  }
  if (reason !== undefined) return refuse(reason, candidate.user)
  return candidate.user === undefined ? refuse('unknown-key', undefined) : { kind: 'passed', user: candidate.user }
}

/** A key of the user who is known; or the user whose key it is. */
async function candidateOf(
  { directory, factors }: AuthModuleDeps,
  known: User | undefined,
  credentialId: string,
): Promise<Candidate> {
  const ownerId = known?.id ?? (await factors.ownerOf(credentialId))
  const user = known ?? (ownerId === undefined ? undefined : await directory.find(ownerId))
  const keys = user === undefined ? [] : await credentialsOf(factors, user.id)
  return { user, found: keys.find(({ credential }) => credential.credentialId === credentialId) }
}

interface Judging {
  readonly assertion: Assertion
  readonly challenge: Challenge
  readonly names: boolean
}

async function judge(
  { deps: { factors, clock }, config, rp, userVerification, attestation }: Parts,
  { user, found }: Candidate,
  { assertion, challenge, names }: Judging,
): Promise<FailureReason | undefined> {
  if (user === undefined || found === undefined) return 'unknown-key'
  // One that a module with less to ask has set up is none of this one.
  if (!isTrusted(found.credential, attestation)) return 'unknown-key'
  const used = await verifyAssertion(assertion, found.credential, { rp, challenge, userVerification, names })
  if (used === undefined) return 'wrong-assertion'
  const counts = config.signCounter === 'refuse'
  return takeAssertion(found, used, { factors, userId: user.id, challenge, now: clock(), counts })
}
