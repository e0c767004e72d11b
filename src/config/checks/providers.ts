import { MARKS_OF_OURS } from '../../federation/identity-providers.schema.ts'
import type { RealmFile } from '../realm.schema.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, quoted, warningIn, type Check } from './check.ts'

type Module = RealmFile['authentication']['modules'][string]

function isByProvider(module: Module): module is Extract<Module, { readonly provider: string }> {
  return module.type === 'oidc' || module.type === 'saml'
}

/** A module sends people to a provider that is there, and a provider is reached by some module. */
export const checkProviderModules: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    const names = Object.keys(value.identityProviders)
    const modules = Object.entries(value.authentication.modules)
    const used = new Set(modules.flatMap(([, module]) => (isByProvider(module) ? [module.provider] : [])))
    const wrong = modules.flatMap(([name, module]) => {
      if (!isByProvider(module)) return []
      const path = ['authentication', 'modules', name, 'provider']
      const what = quoted(source, path, module.provider)
      const provider = names.includes(module.provider) ? value.identityProviders[module.provider] : undefined
      if (provider === undefined)
        return [errorIn(source, path, `there is no identity provider ${what}${didYouMean(module.provider, names)}`)]
      const type = provider.type ?? 'oidc'
      return type === module.type ? [] : [errorIn(source, path, `${what} is of type ${type}, and so is its module`)]
    })
    const idle = names
      .filter((name) => !used.has(name))
      .map((name) =>
        warningIn(
          source,
          ['identityProviders', name],
          `nobody can sign in by it: name it in a module of type ${value.identityProviders[name]?.type ?? 'oidc'}`,
        ),
      )
    return [...wrong, ...idle]
  })

/** Two providers give the same value to different people; only an address that both have verified is one person's. */
export const checkProviderLinks: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    const links = Object.entries(value.identityProviders).flatMap(([name, provider]) => {
      const { link } = provider
      if (link === undefined || link.claim === 'email') return []
      return [{ name, issuer: provider.type === 'saml' ? provider.entityId : provider.issuer, is: link.is }]
    })
    return links.flatMap(({ name, issuer, is }, index) => {
      const other = links.slice(0, index).find((each) => each.is === is && each.issuer !== issuer)
      if (other === undefined) return []
      const message = `${other.name} names users by ${is} as well, and may give the same value to somebody else; use another attribute`
      return [errorIn(source, ['identityProviders', name, 'link', 'is'], message)]
    })
  })

/** What a provider's claims can become here. */
export const checkProviderRules: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    return Object.entries(value.identityProviders).flatMap(([name, { create, properties }]) => {
      const at = ['identityProviders', name]
      const reserved = Object.keys(properties).filter((property) => MARKS_OF_OURS.has(property))
      return [
        ...(create !== undefined && value.directory.type !== 'managed'
          ? [errorIn(source, [...at, 'create'], 'users are created in a realm with directory: { type: managed } alone')]
          : []),
        ...reserved.map((property) =>
          errorIn(
            source,
            [...at, 'properties', property],
            `sessions have a property ${property} already; give it another name`,
          ),
        ),
      ]
    })
  })

/** Claims that are addresses as a rule. */
const ADDRESS = /mail|upn|principal/i

/** SAML providers are told apart by their entity ids, and vouch for addresses of their own domains alone. */
export const checkSamlProviders: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    const providers = Object.entries(value.identityProviders).flatMap(([name, provider]) =>
      provider.type === 'saml' ? [{ name, provider }] : [],
    )
    const twice = providers.flatMap(({ name, provider: { entityId } }, index) => {
      const other = providers.slice(0, index).find(({ provider }) => provider.entityId === entityId)
      if (other === undefined) return []
      const path = ['identityProviders', name, 'entityId']
      return [errorIn(source, path, `${other.name} is the same provider; lead several modules to one of them`)]
    })
    const unvouched = providers.flatMap(({ name, provider: { link, create, domains } }) => {
      const claim = [link?.claim, create?.username].find((each) => each !== undefined && ADDRESS.test(each))
      if (claim === undefined || domains.length > 0) return []
      const message = `${claim} counts where its domain is among \`domains\`, and there are none: nobody will be found by it`
      return [warningIn(source, ['identityProviders', name], message)]
    })
    return [...twice, ...unvouched]
  })
