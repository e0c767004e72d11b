import { NO_DEMAND } from '../authn/read-demand.ts'
import type { Step } from '../authn/step.ts'
import type { LoginRequest } from './login-request.ts'
import type { PortalProvider } from './ports.ts'
import type { CompiledRealm } from './realms.ts'

type Ask = Pick<Extract<Step, { kind: 'ask' }>, 'callbacks'>

/** On to a provider. */
export interface Away {
  readonly url: string
  readonly state: string
  /** What a form takes there. */
  readonly fields?: Readonly<Record<string, string>>
}

/** Where a step sends the browser; `undefined` for a page. */
export function redirectOf(step: Ask): Away | undefined {
  const [callback] = step.callbacks
  return callback?.type === 'RedirectCallback' ? callback : undefined
}

/** The provider that a page of one button leads to. */
export function offerOf(step: Ask): { readonly title: string } | undefined {
  return step.callbacks.find(({ type }) => type === 'SelectIdPCallback') as { readonly title: string } | undefined
}

/** By the module of the realm that signs people in with it. */
export function providerOf({ providers }: CompiledRealm, module: string): PortalProvider | undefined {
  return providers?.find((each) => each.module === module)
}

/** By its name in the configuration. */
export function providerByName({ providers }: CompiledRealm, name: string): PortalProvider | undefined {
  return providers?.find(({ provider }) => provider === name)
}

/** What the address of an arrival says is the provider's: where the login goes, and what it has to come to, it has sealed. */
export function arrivalRequest(realm: CompiledRealm): LoginRequest {
  return {
    realm,
    demand: NO_DEMAND,
    misunderstood: false,
    demanding: [],
    destination: { goto: undefined, handshake: undefined },
    site: undefined,
    client: undefined,
    refused: undefined,
    pairs: [],
  }
}

/** Whose people have addresses of this domain (home realm discovery); `undefined` where nobody's. */
export function providerOfAddress({ providers = [] }: CompiledRealm, address: string): PortalProvider | undefined {
  const [name, domain = '', ...more] = address.trim().split('@')
  if (name === '' || more.length > 0) return undefined
  return providers.find(({ domains }) => domains.includes(domain.toLowerCase()))
}

/** Whoever signed in by a provider last time finds its button first. */
export function byLastUse<T>(all: readonly T[], isLast: (each: T) => boolean): readonly T[] {
  return [...all.filter(isLast), ...all.filter((each) => !isLast(each))]
}
