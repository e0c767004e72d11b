import { isDemanded, modulesOf, type Chain } from '../../authn/chain.ts'
import { isModuleChain, type RealmAuthn } from '../../authn/realm-authn.ts'

/** Ways to sign in, by Ziti's names. */
export const METHODS = {
  password: 'password',
  cert: 'x509',
  'ext-jwt': 'externalJwt',
} as const satisfies Record<string, string>

export type Method = keyof typeof METHODS

export function methodNamed(name: string | undefined): Method | undefined {
  return name !== undefined && Object.hasOwn(METHODS, name) ? (name as Method) : undefined
}

/**
 * The chain that a login by this method runs: the realm's default where it can begin so, else the first in the order of the file that
 * can. `undefined`: nobody signs in so here.
 */
export function chainFor(
  { chains, defaultChain, modules }: Pick<RealmAuthn, 'chains' | 'defaultChain' | 'modules'>,
  method: Method,
): string | undefined {
  const isOfMethod = (name: string): boolean => modules.get(name)?.type === METHODS[method]
  const configured = [...chains.keys()].filter((name) => name !== defaultChain && !isModuleChain(name))
  return [defaultChain, ...configured].find((name) => mayBeginWith(chains.get(name)?.entries ?? [], isOfMethod))
}

/** Whether a login can be asked for it before anything else is proved. */
function mayBeginWith(entries: Chain, isOfMethod: (name: string) => boolean): boolean {
  const first = entries.findIndex(isDemanded)
  const beginnings = first === -1 ? entries : entries.slice(0, first + 1)
  return beginnings.some((entry) => modulesOf(entry).some(isOfMethod))
}
