import type { Step } from '../authn/step.ts'
import type { PortalProvider } from './ports.ts'
import type { CompiledRealm } from './realms.ts'

type Ask = Pick<Extract<Step, { kind: 'ask' }>, 'callbacks'>

/** Where a step sends the browser; `undefined` for a page. */
export function redirectOf(step: Ask): { readonly url: string; readonly state: string } | undefined {
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
