import { fault, loadPart } from '../../errors.ts'
import type { ModuleConfig } from '../chains.schema.ts'
import type { AuthModule, AuthModuleDeps, AuthModuleType } from './module.ts'

type TypeName = ModuleConfig['type']
type TypeOf<T extends TypeName> = AuthModuleType<ModuleConfig & { readonly type: T }>

/**
 * Every type of module there is, by the name that configurations use. Each is loaded when the first configuration names it: WebAuthn and
 * X.509 bring libraries that take longer to load than all the rest.
 */
const LOADERS: { readonly [T in TypeName]: () => Promise<TypeOf<T>> } = {
  password: async () => (await import('./password.ts')).passwordModule,
  totp: async () => (await import('./totp.ts')).totpModule,
  x509: async () => (await import('./x509/x509.ts')).x509Module,
  externalJwt: async () => (await import('./external-jwt.ts')).externalJwtModule,
  oidc: async () => (await import('./oidc.ts')).oidcModule,
  saml: async () => (await import('./saml.ts')).samlModule,
  recovery: async () => (await import('./recovery.ts')).recoveryModule,
  email: async () => (await import('./message-code.ts')).emailModule,
  sms: async () => (await import('./message-code.ts')).smsModule,
  webauthn: async () => (await import('./webauthn/webauthn.ts')).webauthnModule,
  device: async () => (await import('./device.ts')).deviceModule,
  trusted: async () => (await import('./trusted.ts')).trustedModule,
  anonymous: async () => (await import('./anonymous.ts')).anonymousModule,
}

export const ALL_MODULE_TYPES = Object.keys(LOADERS) as readonly TypeName[]

/** Types that are loaded. */
export type ModuleTypes = ReadonlyMap<TypeName, AuthModuleType<ModuleConfig>>

/** Loads the types that a configuration names, so that compiling it waits for nothing. Throws GH_CONFIG_INVALID where one cannot be loaded. */
export async function loadModuleTypes(names: Iterable<TypeName>): Promise<ModuleTypes> {
  const loading = [...new Set(names)].map(async (name) => {
    const type = await loadPart(
      `authentication modules of type ${name}`,
      LOADERS[name] as () => Promise<AuthModuleType<ModuleConfig>>,
    )
    return [name, type] as const
  })
  return new Map(await Promise.all(loading))
}

/** Throws GH_CONFIG_INVALID for a type that is not among `types`. */
export function compileModule(
  name: string,
  config: ModuleConfig,
  { types, ...deps }: AuthModuleDeps & { readonly types: ModuleTypes },
): AuthModule {
  const type = types.get(config.type)
  if (type === undefined) throw fault('GH_CONFIG_INVALID', { detail: `modules of type ${config.type} were not loaded` })
  return type.compile(name, config, deps)
}
