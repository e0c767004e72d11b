import { networkOf } from '../../http/network.ts'
import { refuseWhenBusy, type PasswordCheck } from '../../identity/directory.ts'
import type { AttemptOutcome } from '../../identity/throttle.ts'
import { MAX_USERNAME_LENGTH, usernameKey } from '../../base/username-key.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, ModuleOutcome } from './module.ts'
import { askForNew, changeFirst } from './must-change.ts'
import type { PasswordConfig } from './password.schema.ts'

/** Name and password on one page, checked against the realm's directory. */
export const passwordModule: AuthModuleType<PasswordConfig> = {
  type: 'password',
  compile: (name, { authLevel }, deps) => ({
    name,
    type: 'password',
    use: 'first',
    authLevel,
    process: (input) => {
      if (input.state !== undefined) return changeFirst(input, deps)
      return input.answers === undefined ? Promise.resolve(ask(input)) : check(input, input.answers, deps)
    },
  }),
}

function ask({ user, suggestion }: AuthModuleInput): ModuleOutcome {
  const value = user?.username ?? suggestion
  return {
    kind: 'ask',
    callbacks: [
      { type: 'NameCallback', prompt: 'username', ...(value === undefined ? {} : { value }) },
      { type: 'PasswordCallback', prompt: 'password' },
    ],
  }
}

async function check(
  { origin }: AuthModuleInput,
  [username = '', password = '']: readonly string[],
  deps: AuthModuleDeps,
): Promise<ModuleOutcome> {
  const { directory, throttle } = deps
  const typedName = username.slice(0, MAX_USERNAME_LENGTH)
  if (username === '' || password === '')
    return { kind: 'failed', reason: 'incomplete', username: undefined, typedName }
  const network = networkOf(origin.clientIp)
  refuseWhenBusy(directory, network)
  const reservation = await throttle.reserve({ username, clientIp: origin.clientIp })
  if (reservation.kind === 'throttled') {
    return { ...reservation, username: reservation.scope === 'account' ? accountOf(username) : undefined, typedName }
  }
  let outcome: AttemptOutcome = 'not-judged'
  let checked: PasswordCheck
  try {
    checked = await directory.checkPassword(username, password, network)
    outcome = checked.kind === 'failed' ? 'failed' : 'passed'
  } finally {
    await reservation.settle(outcome)
  }
  if (checked.kind === 'passed') {
    const stamp = directory.passwords?.isCurrent === undefined ? undefined : checked.stamp
    return { kind: 'passed', user: checked.user, typedName, stamp }
  }
  if (checked.kind === 'change-first') return askForNew(checked, deps)
  const { reason } = checked
  return { kind: 'failed', reason, username: reason === 'unknown-user' ? undefined : accountOf(username), typedName }
}

function accountOf(username: string): string {
  return usernameKey(username).slice(0, MAX_USERNAME_LENGTH)
}
