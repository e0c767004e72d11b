import { Secret, TOTP } from 'otpauth'
import type { Clock } from '../../base/clock.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import type { User } from '../../identity/directory.ts'
import type { Factor, FactorStore } from '../../identity/factors.ts'
import type { AttemptOutcome } from '../../identity/throttle.ts'
import type {
  AuthModuleDeps,
  AuthModuleInput,
  AuthModuleType,
  Enrolment,
  FailureReason,
  ModuleOutcome,
} from './module.ts'
import type { TotpData } from './totp-data.ts'
import type { TotpConfig } from './totp.schema.ts'

const PERIOD_S = 30
const DIGITS = 6
/** RFC 4226 §4 R6 recommends 160 bits. */
const SECRET_BYTES = 20
/** A secret that is shown and not confirmed is forgotten after this long. */
const SETUP_MS = 10 * 60_000

/** A code from an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds). A second factor. */
export const totpModule: AuthModuleType<TotpConfig> = {
  type: 'totp',
  compile: (name, { authLevel, issuer, drift }, deps) => ({
    name,
    type: 'totp',
    use: 'second',
    authLevel,
    isEnrolled: async ({ id }) => (await totpFactors(deps.factors, id)).length > 0,
    enrolment: createEnrolment(deps, { issuer: issuer ?? deps.title, drift }),
    process: (input) =>
      input.answers === undefined ? Promise.resolve(ask()) : check(input, input.answers, { name, drift, deps }),
  }),
}

function ask(): ModuleOutcome {
  return { kind: 'ask', callbacks: [{ type: 'NameCallback', prompt: 'code', oneTimeCode: true }] }
}

interface Checking {
  readonly name: string
  readonly drift: number
  readonly deps: AuthModuleDeps
}

async function check(
  { user, origin }: AuthModuleInput,
  answers: readonly string[],
  { name, drift, deps }: Checking,
): Promise<ModuleOutcome> {
  const code = codeOf(answers)
  // Whoever is nobody yet gets the answer of a wrong code.
  if (user === undefined) return { kind: 'again', reason: 'unknown-user', username: undefined }
  const { username } = user
  if (code === undefined) return { kind: 'again', reason: 'incomplete', username }
  const reservation = await deps.throttle.reserve({ username, clientIp: origin.clientIp, factor: name })
  if (reservation.kind === 'throttled') return { ...reservation, username }
  let outcome: AttemptOutcome = 'not-judged'
  let reason: FailureReason | undefined
  try {
    reason = await takeCode(user, code, { drift, deps })
    outcome = reason === undefined ? 'passed' : 'failed'
  } finally {
    await reservation.settle(outcome)
  }
  return reason === undefined ? { kind: 'passed', user } : { kind: 'again', reason, username }
}

/** Takes the code, once for all processes; why it is not taken otherwise. */
async function takeCode(
  user: User,
  code: string,
  { drift, deps: { factors, clock } }: Pick<Checking, 'drift' | 'deps'>,
): Promise<FailureReason | undefined> {
  let reason: FailureReason = 'wrong-code'
  for (const { id, data } of await totpFactors(factors, user.id)) {
    const step = stepOf(code, dataOf(data).secret, { drift, clock })
    if (step === undefined) continue
    reason = 'used-code'
    const now = clock()
    const taken = await factors.change(user.id, id, (factor) => {
      const { secret, lastStep } = dataOf(factor.data)
      // Never an older one after a newer one: somebody may have watched it being typed.
      return step > lastStep ? { name: factor.name, lastUsedAt: now, data: { secret, lastStep: step } } : undefined
    })
    if (taken) return undefined
  }
  return reason
}

/** The time step that a code is of; `undefined` for a wrong one. Compares in constant time. */
function stepOf(code: string, secret: string, { drift, clock }: { drift: number; clock: Clock }): number | undefined {
  const timestamp = clock()
  const delta = generator(secret).validate({ token: code, timestamp, window: drift })
  return delta === null ? undefined : Math.floor(timestamp / 1_000 / PERIOD_S) + delta
}

/** People copy codes with a space in the middle. */
function codeOf([answer = '']: readonly string[]): string | undefined {
  const code = answer.slice(0, 32).replaceAll(/\s/g, '')
  return /^\d{6}$/.test(code) ? code : undefined
}

async function totpFactors(factors: FactorStore, userId: string): Promise<readonly Factor[]> {
  return (await factors.list(userId)).filter(({ type }) => type === 'totp')
}

function dataOf(data: JsonValue): TotpData {
  return data as unknown as TotpData
}

function generator(secret: string, labels: { issuer?: string; label?: string } = {}): TOTP {
  return new TOTP({ ...labels, algorithm: 'SHA1', digits: DIGITS, period: PERIOD_S, secret: Secret.fromBase32(secret) })
}

/** Shows a new secret and takes it once a code of it has come back. */
function createEnrolment(
  { sealer, clock, title }: AuthModuleDeps,
  { issuer, drift }: { readonly issuer: string; readonly drift: number },
): Enrolment {
  const open = (user: User, state: JsonValue): string | undefined => {
    const opened = typeof state === 'string' ? sealer.open('journey', state) : undefined
    const [what, userId, secret] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
    return what === 'totp' && userId === user.id && typeof secret === 'string' ? secret : undefined
  }
  const page = (user: User, secret: string): Awaited<ReturnType<Enrolment['begin']>>['callbacks'] => {
    // A colon would part issuer and name elsewhere (Key URI Format of Google Authenticator).
    const uri = generator(secret, { issuer, label: user.username.replaceAll(':', ' ') }).toString()
    return [
      { type: 'NameCallback', prompt: 'code', oneTimeCode: true },
      { type: 'TextOutputCallback', message: 'enrol.totp.text', parameters: { realm: title } },
      { type: 'KeyUriCallback', uri, secret },
    ]
  }
  return {
    begin(user) {
      const secret = new Secret({ size: SECRET_BYTES }).base32
      const state = sealer.seal('journey', ['totp', user.id, secret], SETUP_MS)
      return Promise.resolve({ callbacks: page(user, secret), state })
    },
    show(user, state) {
      const secret = open(user, state)
      return secret === undefined ? undefined : page(user, secret)
    },
    finish(user, state, answers) {
      const secret = open(user, state)
      const code = codeOf(answers)
      const step = secret === undefined || code === undefined ? undefined : stepOf(code, secret, { drift, clock })
      if (secret === undefined || step === undefined) return Promise.resolve({ kind: 'again' })
      // The code that confirms it is used up.
      const data = { secret, lastStep: step }
      return Promise.resolve({ kind: 'enrolled', factor: { type: 'totp', name: '', data } })
    },
  }
}
