import { fault } from '../../errors.ts'
import { networkOf } from '../../http/network.ts'
import type { PasswordVerifier } from '../../identity/file-directory.ts'
import type { AttemptOutcome, Throttle } from '../../identity/throttle.ts'

const LONGEST_NAME = 64

/** A program that says which one it is. */
export interface SecretAttempt {
  /** Of the programs of one kind: no user has such a name, so what is guessed of a program costs no person a delay. */
  readonly kind: string
  /** As sent. */
  readonly name: string
  readonly secret: string
  /** argon2id hash; `undefined` where no program has the name. */
  readonly stored: string | undefined
  readonly clientIp: string | undefined
}

export type SecretJudgement =
  | { readonly kind: 'right' | 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }

/** An unknown name costs what a wrong secret costs. Rejects with GH_BUSY where there is no room to compare another one. */
export async function judgeSecret(
  { kind, name, secret, stored, clientIp }: SecretAttempt,
  { throttle, hasher }: { readonly throttle: Throttle; readonly hasher?: PasswordVerifier | undefined },
): Promise<SecretJudgement> {
  if (hasher === undefined) throw fault('GH_INTERNAL', { detail: 'nobody checks the secrets of servers here' })
  const network = networkOf(clientIp)
  if (!hasher.hasRoom(network)) throw fault('GH_BUSY', { detail: 'too many passwords are being checked' })
  const reservation = await throttle.reserve({ username: `${kind}\u001f${name.slice(0, LONGEST_NAME)}`, clientIp })
  if (reservation.kind === 'throttled') return reservation
  let outcome: AttemptOutcome = 'not-judged'
  try {
    const isRight = stored !== undefined && (await hasher.verify(stored, secret, network))
    if (stored === undefined) await hasher.verifyNothing(secret, network)
    outcome = isRight ? 'passed' : 'failed'
    return { kind: isRight ? 'right' : 'wrong' }
  } finally {
    await reservation.settle(outcome)
  }
}
