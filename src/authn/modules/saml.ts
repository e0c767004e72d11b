import type { AuthModuleType } from './module.ts'
import { providerModule } from './provider-login.ts'
import type { SamlConfig } from './saml.schema.ts'

/** Sends people to a SAML identity provider. */
export const samlModule: AuthModuleType<SamlConfig> = {
  type: 'saml',
  compile: (name, config, deps) => {
    const { type, provider, authLevel, multiFactor: isMultiFactor, authnContext: acr, passive: isPassive } = config
    const levels = config.authnContextLevels
    return providerModule(name, { type, provider, authLevel, isMultiFactor, wish: { acr, isPassive }, levels }, deps)
  },
}
