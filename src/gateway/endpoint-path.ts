import type { Target } from '../http/request-url.ts'

/** Path prefix of what the gateway itself answers on every protected host. */
export const ENDPOINT_PREFIX = '/.gatehouse/'

/** Whether a path, or another reading of it, belongs to the gateway: such a path never reaches an upstream. */
export function isEndpointPath({ path, alternatives }: Pick<Target, 'path' | 'alternatives'>): boolean {
  return isOurs(path) || (alternatives.length > 0 && alternatives.some(isOurs))
}

/** Where agents of OpenAM's wait for the answer to a login: at sites that a provider's answers come to it is the callback. */
export const AGENT_CALLBACK = '/agent/cdsso-oauth2'

/** Whether a path, or another reading of it, is that one. */
export function isAgentCallback({ path, alternatives }: Pick<Target, 'path' | 'alternatives'>): boolean {
  return path === AGENT_CALLBACK || alternatives.includes(AGENT_CALLBACK)
}

function isOurs(path: string): boolean {
  // With path parameters, too: to an application that cuts them off it is the same path.
  return path.startsWith(ENDPOINT_PREFIX) || path === '/.gatehouse' || path.startsWith('/.gatehouse;')
}
