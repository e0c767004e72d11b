import { isIP } from 'node:net'
import type { AuthnConfig } from '../../authn/chains.schema.ts'
import { hostOf } from './hosts.ts'
import { errorIn, placeOf, warningIn, type Check } from './check.ts'

type ModuleConfig = AuthnConfig['modules'][string]

/** WebAuthn Level 3 §5.1.3: a key is for a domain, and browsers refuse to make one for an address. */
export const checkPasskeyHost: Check = ({ gatehouse, realms }) => {
  if (gatehouse === undefined) return []
  const { source, value } = gatehouse
  const host = hostOf(value.login.url).replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return []
  return realms.flatMap(({ realm }) =>
    Object.entries(realm?.value.authentication.modules ?? {}).flatMap(([name, { type }]) => {
      if (realm === undefined || type !== 'webauthn') return []
      const message = `browsers make no passkeys for an IP address, which login.url is (${placeOf(source, ['login', 'url'])}); give the login host a name`
      return [errorIn(realm.source, ['authentication', 'modules', name, 'type'], message)]
    }),
  )
}

/** One key is one factor: who began with the only one they have is asked for another that they may not set up. */
export const checkPasskeyTwice: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    const { modules, chains } = value.authentication
    return Object.entries(chains).flatMap(([name, [first, ...entries]]) => {
      const begins = [first].flatMap((entry) => namesOf(entry)).filter((each) => beginsWithKey(modules[each]))
      if (begins.length === 0) return []
      return entries.flatMap((entry, index) => {
        const isDemanded = entry.criteria === 'REQUIRED' || entry.criteria === 'REQUISITE'
        if (!isDemanded || !endsWithKey(namesOf(entry), begins, modules)) return []
        const message =
          'who signs in with a passkey and has set up nothing else for this step cannot go on, since one key is one factor; name the same module in both steps and set multiFactor: true, or let logins begin without it (use: second)'
        return [warningIn(source, ['authentication', 'chains', name, index + 1, 'module'], message)]
      })
    })
  })

type Entry = AuthnConfig['chains'][string][number]

function namesOf(entry: Entry | undefined): readonly string[] {
  return entry === undefined ? [] : [entry.module, ...(entry.or ?? [])]
}

function beginsWithKey(module: ModuleConfig | undefined): boolean {
  return module?.type === 'webauthn' && module.use !== 'second'
}

/** Whether a key may be all that somebody has for the step, and is not enough after the one that they began with. */
function endsWithKey(names: readonly string[], begins: readonly string[], modules: AuthnConfig['modules']): boolean {
  const ways = names.flatMap((name) => modules[name] ?? [])
  const isMet = names.some((name) => begins.includes(name) && isTwoFactors(modules[name]))
  return !isMet && ways.some(({ type }) => type === 'webauthn') && ways.every(({ type }) => SET_UP.has(type))
}

function isTwoFactors(module: ModuleConfig | undefined): boolean {
  return module?.type === 'webauthn' && module.multiFactor
}

/** What people have only if they set it up. */
const SET_UP: ReadonlySet<ModuleConfig['type']> = new Set(['webauthn', 'totp', 'recovery'])
