import { parseOptions } from '@node-rs/argon2'
import { fault } from '../errors.ts'
import { createHashThreads } from './hash-threads.ts'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const

export const MAX_PASSWORD_BYTES = 1_024

/** Costs exactly what a check of a fresh hash costs. What it would be the hash of nobody knows, and its answer is not used. */
const DECOY = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** Highest cost that a stored hash may ask for: a hash is data, and must not be able to stop the process. */
const LIMIT = { memoryCost: 1_048_576, timeCost: 64, parallelism: 16 } as const

export interface PasswordHasherOptions {
  /** Hashes computed at once, each on a thread of its own. 2 by default. */
  readonly concurrency?: number
  /** Calls that wait for a turn before further ones get GH_BUSY. 64 by default. */
  readonly queue?: number
}

/**
 * argon2id (RFC 9106). Passwords are compared in Unicode normalisation form C, so that é typed as one character or as two is
 * one password; they are never cut, neither at a NUL nor at a length. Every method rejects with GH_BUSY when too many wait.
 */
export interface PasswordHasher {
  /** A PHC string with a fresh salt. Throws RangeError for a password that `acceptablePassword` refuses. */
  hash(password: string): Promise<string>
  /** False for a wrong password and, at the usual cost, for one that cannot be and for a stored text that is no such hash. */
  verify(stored: string, password: string): Promise<boolean>
  /** Takes as long as `verify`: called for unknown users, so that the time does not tell who exists (user enumeration). */
  verifyNothing(password: string): Promise<void>
}

export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const threads = createHashThreads()
  const inTurn = createTurns(options.concurrency ?? 2, options.queue ?? 64)
  const verifyNothing = async (password: string): Promise<void> => {
    const bytes = passwordBytes(password) ?? Buffer.alloc(MAX_PASSWORD_BYTES)
    await inTurn(() => threads.verify(DECOY, bytes))
  }
  return {
    async hash(password) {
      const bytes = passwordBytes(password)
      if (bytes === undefined) {
        throw new RangeError(`a password is well-formed text of 1 to ${MAX_PASSWORD_BYTES} bytes in UTF-8`)
      }
      return inTurn(() => threads.hash(bytes, COST))
    },

    async verify(stored, password) {
      const bytes = passwordBytes(password)
      if (bytes === undefined || !isPasswordHash(stored)) {
        await verifyNothing(password)
        return false
      }
      return inTurn(() => threads.verify(stored, bytes))
    },

    verifyNothing,
  }
}

/** Whether it can be anybody's password: not empty, well-formed Unicode, at most 1,024 bytes of UTF-8 after normalisation. */
export function acceptablePassword(password: string): boolean {
  return passwordBytes(password) !== undefined
}

/** Whether a stored text is an argon2id hash of a cost that is accepted. */
export function isPasswordHash(text: string): boolean {
  if (!/^\$argon2id\$v=19\$m=\d{1,7},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{22,88}$/.test(text))
    return false
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(text)
    return memoryCost <= LIMIT.memoryCost && timeCost <= LIMIT.timeCost && parallelism <= LIMIT.parallelism
  } catch {
    // The parser tells what is no hash by throwing.
    return false
  }
}

function passwordBytes(password: string): Buffer | undefined {
  // Composition never makes text more than four times shorter, so nothing acceptable is lost, and a megabyte is not normalised.
  if (password === '' || password.length > 4 * MAX_PASSWORD_BYTES || !password.isWellFormed()) return undefined
  const bytes = Buffer.from(password.normalize('NFC'), 'utf8')
  return bytes.length <= MAX_PASSWORD_BYTES ? bytes : undefined
}

/** Runs at most `running` jobs at once; at most `waiting` more wait, in order of arrival. */
function createTurns(running: number, waiting: number): <T>(job: () => Promise<T>) => Promise<T> {
  let busy = 0
  const queue: (() => void)[] = []
  return async (job) => {
    if (busy >= running) {
      if (queue.length >= waiting) throw fault('GH_BUSY', { detail: 'too many passwords are being checked' })
      await new Promise<void>((resolve) => queue.push(resolve))
    } else busy++
    try {
      return await job()
    } finally {
      // The place goes straight to the next in line, so that no newcomer can slip in between.
      const next = queue.shift()
      if (next === undefined) busy--
      else next()
    }
  }
}
