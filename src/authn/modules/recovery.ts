import { randomInt } from 'node:crypto'
import { sha256 } from '../../crypto/sha256.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import type { User } from '../../identity/directory.ts'
import type { Factor, FactorStore } from '../../identity/factors.ts'
import type { AttemptOutcome } from '../../identity/throttle.ts'
import type { Callback } from '../step.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, Enrolment, ModuleOutcome } from './module.ts'
import type { RecoveryConfig } from './recovery.schema.ts'

const TYPE = 'recovery'
const CODES = 10
/** Crockford's Base32: nothing that is read or typed for another. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** 80 bits: beyond guessing, so that a plain hash of it may be kept. */
const CHARACTERS = 16
/** With so few left a new set is offered. */
const FEW = 3
/** A set that is shown and not confirmed is forgotten after this long. */
const SETUP_MS = 15 * 60_000

/** What the factor keeps: hashes of the codes that were not used yet. */
interface RecoveryData {
  readonly hashes: readonly string[]
}

/** Codes that the person keeps on paper. A second factor that stands in for another one. */
export const recoveryModule: AuthModuleType<RecoveryConfig> = {
  type: TYPE,
  compile: (name, { authLevel, offer }, deps) => ({
    name,
    type: TYPE,
    use: 'second',
    authLevel,
    standing: 'backup',
    offered: offer,
    isEnrolled: async ({ id }) => (await leftOf(deps.factors, id)) > 0,
    left: ({ data }) => dataOf(data).hashes.length,
    enrolment: createEnrolment(deps),
    process: (input) =>
      input.answers === undefined ? Promise.resolve(ask()) : check(input, input.answers, { name, offer, deps }),
  }),
}

function ask(): ModuleOutcome {
  return { kind: 'ask', callbacks: [{ type: 'NameCallback', prompt: 'recovery-code', recoveryCode: true }] }
}

interface Checking {
  readonly name: string
  readonly offer: boolean
  readonly deps: AuthModuleDeps
}

async function check(
  { user, origin }: AuthModuleInput,
  answers: readonly string[],
  { name, offer, deps }: Checking,
): Promise<ModuleOutcome> {
  const code = codeOf(answers)
  // Whoever is nobody yet gets the answer of a wrong code.
  if (user === undefined) return { kind: 'again', reason: 'unknown-user', username: undefined }
  const { username } = user
  if (code === undefined) return { kind: 'again', reason: 'incomplete', username }
  const reservation = await deps.throttle.reserve({ username, clientIp: origin.clientIp, factor: name })
  if (reservation.kind === 'throttled') return { ...reservation, username }
  let outcome: AttemptOutcome = 'not-judged'
  try {
    outcome = (await spend(deps, user, code)) ? 'passed' : 'failed'
  } finally {
    await reservation.settle(outcome)
  }
  if (outcome !== 'passed') return { kind: 'again', reason: 'wrong-code', username }
  return { kind: 'passed', user, renew: offer && (await leftOf(deps.factors, user.id)) <= FEW }
}

/** True for the one call, over all processes, that takes the code out of the set. */
async function spend({ factors, clock }: AuthModuleDeps, user: User, code: string): Promise<boolean> {
  const spent = hashOf(user.id, code)
  for (const { id } of await setsOf(factors, user.id)) {
    const now = clock()
    const taken = await factors.change(user.id, id, ({ name, data }) => {
      const { hashes } = dataOf(data)
      if (!hashes.includes(spent)) return undefined
      return { name, lastUsedAt: now, data: { hashes: hashes.filter((hash) => hash !== spent) } }
    })
    if (taken) return true
  }
  return false
}

/** As it was written, without what people put between; letters that the alphabet leaves out are taken for the digits they look like. */
function codeOf([answer = '']: readonly string[]): string | undefined {
  const plain = answer.slice(0, 64).toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return /^[0-9A-HJKMNP-TV-Z]{16}$/.test(plain) ? plain : undefined
}

function newCode(): string {
  return Array.from({ length: CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

function hashOf(userId: string, code: string): string {
  return sha256(JSON.stringify([TYPE, userId, code]))
}

async function setsOf(factors: FactorStore, userId: string): Promise<readonly Factor[]> {
  return (await factors.list(userId)).filter(({ type }) => type === TYPE)
}

async function leftOf(factors: FactorStore, userId: string): Promise<number> {
  return (await setsOf(factors, userId)).reduce((count, { data }) => count + dataOf(data).hashes.length, 0)
}

function dataOf(data: JsonValue): RecoveryData {
  return data as unknown as RecoveryData
}

/** A set that is shown, and not yet kept. */
interface Shown {
  readonly codes: readonly string[]
  /** How many of the set before are left. */
  readonly left: number
}

/** Shows a new set and takes it, in place of the one before, once a code of it has been typed. */
function createEnrolment({ sealer, factors, title }: AuthModuleDeps): Enrolment {
  const open = (user: User, state: JsonValue): Shown | undefined => {
    const opened = typeof state === 'string' ? sealer.open('journey', state) : undefined
    const [what, userId, codes, left] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
    return what === TYPE && userId === user.id ? { codes: codes as readonly string[], left: Number(left) } : undefined
  }
  return {
    replaces: true,
    async begin(user) {
      const codes = Array.from({ length: CODES }, newCode)
      const left = await leftOf(factors, user.id)
      const state = sealer.seal('journey', [TYPE, user.id, codes, left], SETUP_MS)
      return { callbacks: page({ codes, left }, title), state }
    },
    show(user, state) {
      const shown = open(user, state)
      return shown && page(shown, title)
    },
    finish(user, state, answers) {
      const shown = open(user, state)
      const typed = codeOf(answers)
      if (shown === undefined || typed === undefined || !shown.codes.includes(typed)) {
        return Promise.resolve({ kind: 'again' })
      }
      const data = { hashes: shown.codes.map((code) => hashOf(user.id, code)) }
      return Promise.resolve({ kind: 'enrolled', factor: { type: TYPE, name: '', data } })
    },
  }
}

function page({ codes, left }: Shown, realm: string): readonly Callback[] {
  return [
    { type: 'NameCallback', prompt: 'recovery-confirm', recoveryCode: true },
    { type: 'TextOutputCallback', message: 'enrol.recovery.text', parameters: { realm } },
    ...(left === 0
      ? []
      : [{ type: 'TextOutputCallback', message: 'enrol.recovery.left', parameters: { left: String(left) } } as const]),
    { type: 'RecoveryCodesCallback', codes: codes.map((code) => code.replaceAll(/(.{4})(?=.)/g, '$1-')) },
  ]
}
