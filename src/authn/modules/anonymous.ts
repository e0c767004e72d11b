import { sha256 } from '../../crypto/sha256.ts'
import { networkOf } from '../../http/network.ts'
import { anonymousUser } from '../../identity/with-anonymous.ts'
import { newAnonymousId } from '../../session/anonymous.ts'
import type { AnonymousConfig } from './anonymous.schema.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, ModuleOutcome } from './module.ts'

const WINDOW_MS = 15 * 60_000

/** A session without proof, as OpenAM's Anonymous module gives it. Each time somebody else: what two of them do is not one person's. */
export const anonymousModule: AuthModuleType<AnonymousConfig> = {
  type: 'anonymous',
  compile: (name, { authLevel, username, sessionsPerNetwork }, deps) => ({
    name,
    type: 'anonymous',
    use: 'first',
    authLevel,
    isSilent: true,
    process: async (input) => {
      // Who is somebody already is not made nobody.
      if (input.user !== undefined) return failed('user-mismatch', input.user.username)
      if (!(await mayStart(input, sessionsPerNetwork, deps))) return failed('too-many-anonymous', username)
      return { kind: 'passed', user: anonymousUser(newAnonymousId(), username) }
    },
  }),
}

/** A stranger could fill the store with sessions: it takes no more than an address to have one. */
async function mayStart(
  { origin }: AuthModuleInput,
  most: number,
  { counters, directory }: AuthModuleDeps,
): Promise<boolean> {
  const key = `anonymous:${sha256(JSON.stringify([directory.realm, networkOf(origin.clientIp)]))}`
  return (await counters.add(key, 1, WINDOW_MS)).count <= most
}

function failed(reason: 'user-mismatch' | 'too-many-anonymous', username: string): ModuleOutcome {
  return { kind: 'failed', reason, username }
}
