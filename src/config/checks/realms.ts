import type { AuthnConfig } from '../../authn/chains.schema.ts'
import { usernameKey } from '../../base/username-key.ts'
import { isPasswordHash } from '../../crypto/password-hash.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, placeOf, quoted, repeated, type Check, type RealmSources } from './check.ts'

/** A chain that names a module nobody configured could never let anybody in, or worse, skip a factor. */
export const checkChains: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source } = realm
    const { modules, chains, defaultChain } = realm.value.authentication
    const problems = namedModules(realm.value.authentication).flatMap(({ module, path }): ConfigProblem[] => {
      if (Object.hasOwn(modules, module)) return []
      const hint = source.filled(path) === undefined ? didYouMean(module, Object.keys(modules)) : ''
      return [errorIn(source, path, `there is no module ${quoted(source, path, module)}${hint}`)]
    })
    if (Object.hasOwn(chains, defaultChain)) return problems
    const path = ['authentication', 'defaultChain']
    const hint = source.filled(path) === undefined ? didYouMean(defaultChain, Object.keys(chains)) : ''
    return [...problems, errorIn(source, path, `there is no chain ${quoted(source, path, defaultChain)}${hint}`)]
  })

interface NamedModule {
  readonly module: string
  readonly path: readonly (string | number)[]
}

/** Every place where chains and authentication policies name a module. */
function namedModules({ chains, policies }: AuthnConfig): readonly NamedModule[] {
  const named = (modules: readonly string[] | undefined, path: NamedModule['path']): readonly NamedModule[] =>
    (modules ?? []).map((module, index) => ({ module, path: ['authentication', ...path, index] }))
  return [
    ...Object.entries(chains).flatMap(([name, steps]) =>
      steps.flatMap(({ module, or }, index) => [
        { module, path: ['authentication', 'chains', name, index, 'module'] },
        ...named(or, ['chains', name, index, 'or']),
      ]),
    ),
    ...policies.flatMap(({ firstFactors, secondFactors, everyRequest }, index) => [
      ...named(firstFactors, ['policies', index, 'firstFactors']),
      ...named(secondFactors, ['policies', index, 'secondFactors']),
      ...(everyRequest === undefined
        ? []
        : [{ module: everyRequest, path: ['authentication', 'policies', index, 'everyRequest'] }]),
    ]),
  ]
}

/** Only a token can come with every request. */
export const checkRequestTokens: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { modules, policies } = realm.value.authentication
    return policies.flatMap(({ everyRequest = '' }, index) => {
      const type = modules[everyRequest]?.type
      if (type === undefined || type === 'externalJwt') return []
      const message = `nothing of a module of type ${type} can come with every request; name one of type externalJwt`
      return [errorIn(realm.source, ['authentication', 'policies', index, 'everyRequest'], message)]
    })
  })

export const checkPolicyNames: Check = ({ realms }) =>
  realms.flatMap(({ policies }) => {
    if (policies === undefined) return []
    const { source } = policies
    const sections = ['policies', 'partnerPolicies'] as const
    const all = sections.map((section) =>
      policies.value[section].map(({ name }, index) => ({ key: name, source, path: [section, index, 'name'] })),
    )
    return all.flatMap(repeated).map(({ entry, first }) => {
      const name = quoted(source, entry.path, entry.key)
      return errorIn(
        source,
        entry.path,
        `policy ${name} is there already (${placeOf(source, first.path)}); give it another name`,
      )
    })
  })

/** One directory a realm: nobody would notice that a user, or that one is disabled, stands where nothing is read. */
export const checkDirectories: Check = ({ realms }) =>
  realms.flatMap(({ realm, users }) => {
    if (realm === undefined || realm.value.directory.type === 'file' || users === undefined) return []
    const where = realm.value.directory.type === 'ldap' ? 'in LDAP' : 'in the store'
    const message = `the users of this realm are ${where} (${placeOf(realm.source, ['directory', 'type'])}); remove this file`
    return [errorIn(users.source, [], message)]
  })

/** A hash that no password can ever meet would lock its user out without a word. */
export const checkPasswordHashes: Check = ({ realms }) =>
  realms.flatMap(({ users }) =>
    (users?.value.users ?? []).flatMap(({ password }, index) =>
      users === undefined || isPasswordHash(password)
        ? []
        : [
            errorIn(
              users.source,
              ['users', index, 'password'],
              'this is no usable argon2id hash; paste what `gatehouse hash-password` prints',
            ),
          ],
    ),
  )

export const checkUserNames: Check = ({ realms }) =>
  realms.flatMap((realm) => [
    ...clashing(realm, 'username', (user) => usernameKey(user.username)),
    ...clashing(realm, 'id', (user) => user.id ?? user.username),
  ])

type User = NonNullable<RealmSources['users']>['value']['users'][number]

function clashing({ users }: RealmSources, field: 'username' | 'id', keyOf: (user: User) => string): ConfigProblem[] {
  if (users === undefined) return []
  const { source } = users
  const named = users.value.users.map((user, index) => {
    const path = ['users', index, field === 'id' && user.id !== undefined ? 'id' : 'username']
    return { key: keyOf(user), source, path, isWritten: path[2] === field }
  })
  return repeated(named)
    .filter(({ entry, first }) => field === 'username' || entry.isWritten || first.isWritten)
    .map(({ entry, first }) => {
      const there = placeOf(source, first.path)
      const rule = field === 'username' ? ': case, Unicode form and spaces around it make no difference' : ''
      return errorIn(source, entry.path, `this ${field} is taken (${there})${rule}`)
    })
}

export const checkLogos: Check = ({ realms }) =>
  realms.flatMap(({ realm, theme }) => {
    const logo = realm?.value.look.logo
    if (realm === undefined || logo === undefined || theme.includes(logo)) return []
    const shown = quoted(realm.source, ['look', 'logo'], logo)
    return [
      errorIn(realm.source, ['look', 'logo'], `there is no file ${shown} in theme/ beside realm.yaml; put it there`),
    ]
  })
