import { availableParallelism } from 'node:os'
import { parseOptions } from '@node-rs/argon2'
import { fault } from '../errors.ts'
import { createFairQueue } from './fair-queue.ts'
import { createHashThreads } from './hash-threads.ts'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const

export const MAX_PASSWORD_BYTES = 1_024

/** Costs exactly what a check of a fresh hash costs. What it would be the hash of nobody knows, and its answer is not used. */
const DECOY = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** Highest cost that a stored hash may ask for: a hash is data, and must not be able to stop the process. */
const LIMIT = { memoryCost: 1_048_576, timeCost: 64, parallelism: 16 } as const

export interface PasswordHasherOptions {
  /** Hashes computed at once, each on a thread of its own. By default one core is left to requests: 2, or 1 where there are two cores or one. */
  readonly concurrency?: number
  /** Calls that wait for a turn before further ones get GH_BUSY. 64 by default. */
  readonly queue?: number
}

/**
 * argon2id (RFC 9106). Passwords are compared in Unicode normalisation form C, so that é typed as one character or as two is
 * one password; they are never cut, neither at a NUL nor at a length. Every method rejects with GH_BUSY when too many wait.
 *
 * `from` is who wants it, a network say: when many wait, they get their turns evenly, and none of them can keep out the others.
 */
export interface PasswordHasher {
  /** A PHC string with a fresh salt. Throws RangeError for a password that `acceptablePassword` refuses. */
  hash(password: string): Promise<string>
  /** False for a wrong password and, at the usual cost, for one that cannot be and for a stored text that is no such hash. */
  verify(stored: string, password: string, from?: string): Promise<boolean>
  /** Takes as long as `verify`: called for unknown users, so that the time does not tell who exists (user enumeration). */
  verifyNothing(password: string, from?: string): Promise<void>
  /** False where the others would reject with GH_BUSY now: to be asked before work that would be for nothing. */
  hasRoom(from?: string): boolean
}

const MOST_AT_ONCE = 2

export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const threads = createHashThreads()
  const queue = createFairQueue({
    running: options.concurrency ?? Math.max(1, Math.min(MOST_AT_ONCE, availableParallelism() - 1)),
    waiting: options.queue ?? 64,
    refusal: () => fault('GH_BUSY', { detail: 'too many passwords are being checked' }),
  })
  const verifyNothing = async (password: string, from = ''): Promise<void> => {
    const bytes = passwordBytes(password) ?? Buffer.alloc(MAX_PASSWORD_BYTES)
    await queue.run(from, () => threads.verify(DECOY, bytes))
  }
  return {
    async hash(password) {
      const bytes = passwordBytes(password)
      if (bytes === undefined) {
        throw new RangeError(`a password is well-formed text of 1 to ${MAX_PASSWORD_BYTES} bytes in UTF-8`)
      }
      return queue.run('', () => threads.hash(bytes, COST))
    },

    async verify(stored, password, from = '') {
      const bytes = passwordBytes(password)
      if (bytes === undefined || !isPasswordHash(stored)) {
        await verifyNothing(password, from)
        return false
      }
      return queue.run(from, () => threads.verify(stored, bytes))
    },

    verifyNothing,

    hasRoom: (from = '') => queue.hasRoom(from),
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
