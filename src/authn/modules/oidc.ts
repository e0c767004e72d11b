import type { AuthModuleType } from './module.ts'
import type { OidcConfig } from './oidc.schema.ts'
import { providerModule } from './provider-login.ts'

/** Sends people to an OpenID provider. */
export const oidcModule: AuthModuleType<OidcConfig> = {
  type: 'oidc',
  compile: (name, config, deps) => {
    const { type, provider, authLevel, multiFactor: isMultiFactor, acr, acrLevels: levels } = config
    return providerModule(name, { type, provider, authLevel, isMultiFactor, wish: { acr }, levels }, deps)
  },
}
