import type { JsonValue } from '../../crypto/seal.ts'
import type { PasswordCheck, User } from '../../identity/directory.ts'
import { flawMessage } from '../password-flaw.ts'
import type { Callback } from '../step.ts'
import type { AuthModuleDeps, AuthModuleInput, ModuleOutcome } from './module.ts'

/** What the person has proved by a password that opens nothing before it is changed. */
interface Proved {
  readonly userId: string
  readonly stamp: string
  readonly reason: 'password-expired' | 'must-change'
}

/** Time to think of a good password. */
const TTL_MS = 10 * 60_000

type Said = Pick<Extract<Callback, { readonly type: 'TextOutputCallback' }>, 'message' | 'parameters' | 'isFailure'>

/** The password was right: nothing opens before another has taken its place. */
export function askForNew(
  { user, stamp, reason }: Extract<PasswordCheck, { readonly kind: 'change-first' }>,
  { sealer }: AuthModuleDeps,
): ModuleOutcome {
  const state = sealer.seal('journey', ['new password', user.id, stamp, reason], TTL_MS)
  return page(state, [{ message: `password.${reason}` }])
}

/** Judges what was chosen. The state stands for the right password, and for one change of exactly that one. */
export async function changeFirst({ state, answers }: AuthModuleInput, deps: AuthModuleDeps): Promise<ModuleOutcome> {
  const proved = provedBy(state, deps)
  const passwords = deps.directory.passwords
  if (proved === undefined || passwords === undefined || state === undefined) return tooLate()
  const explained: Said = { message: `password.${proved.reason}` }
  const refuse = (why: Said): ModuleOutcome => page(state, [explained, { ...why, isFailure: true }])
  if (answers === undefined) return page(state, [explained])
  const [next = '', again = ''] = answers
  if (next !== again) return refuse({ message: 'password.differ' })
  const outcome = await passwords.change(proved.userId, proved.stamp, next)
  switch (outcome.kind) {
    case 'changed':
      return passed(outcome.user)
    case 'refused':
      return refuse(flawMessage(outcome.flaw))
    case 'stale':
      return tooLate()
  }
}

function passed(user: User): ModuleOutcome {
  return { kind: 'passed', user, typedName: user.username, passwordChanged: true }
}

/** The password is another by now, or the page was open for too long: from the start. */
function tooLate(): ModuleOutcome {
  return { kind: 'failed', reason: 'incomplete', username: undefined }
}

function page(state: JsonValue, said: readonly Said[]): ModuleOutcome {
  return {
    kind: 'ask',
    state,
    callbacks: [
      { type: 'PasswordCallback', prompt: 'password.new', isNew: true },
      { type: 'PasswordCallback', prompt: 'password.again', isNew: true },
      ...said.map((each): Callback => ({ type: 'TextOutputCallback', ...each })),
    ],
  }
}

function provedBy(state: JsonValue | undefined, { sealer }: AuthModuleDeps): Proved | undefined {
  const opened = typeof state === 'string' ? sealer.open('journey', state) : undefined
  const [what, userId, stamp, reason] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
  if (what !== 'new password' || typeof userId !== 'string' || typeof stamp !== 'string') return undefined
  return { userId, stamp, reason: reason === 'must-change' ? reason : 'password-expired' }
}
