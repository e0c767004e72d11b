import type { AuthnConfig } from '../../authn/chains.schema.ts'
import { chainLevels, highestLevel } from '../../authn/chain-levels.schema.ts'
import type { ConditionConfig } from '../../policy/conditions.schema.ts'
import type { Path } from '../locator.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, placeOf, quoted, warningIn, type Check, type RealmSources } from './check.ts'

/** What conditions of policies ask of a login: a module or chain that is not there lets nobody in, or with NOT everybody. */
export const checkDemands: Check = ({ realms }) =>
  realms.flatMap((files) => {
    const { realm, policies } = files
    if (realm === undefined || policies === undefined) return []
    const { authentication } = realm.value
    return conditionsOf(files).flatMap((leaf) =>
      demandsOf(leaf).flatMap((demand) => problemOf(policies.source, authentication, demand)),
    )
  })

/** The gateway asks no DNS server who calls, so a name is one that somebody says with `evaluate`. */
export const checkClientNames: Check = ({ realms }) =>
  realms.flatMap((files) => {
    const { policies } = files
    if (policies === undefined) return []
    return conditionsOf(files).flatMap(({ condition, path }) => {
      if (!('dnsName' in condition) || condition.dnsName === undefined) return []
      const message = `no site knows the name of a client, so at sites this cannot be told and a policy that denies by it always does; only programs that send requestDnsName can be let in by it. Write addresses`
      return [warningIn(policies.source, [...path, 'dnsName'], message)]
    })
  })

/** What is about a single request, or about a token that a program asks about. */
const OF_REQUESTS: ReadonlySet<ConditionConfig['type']> = new Set(['Transaction', 'Environment', 'OAuth2Scope'])

export const checkPartnerConditions: Check = ({ realms }) =>
  realms.flatMap((files) => {
    const { policies } = files
    if (policies === undefined) return []
    return conditionsOf(files).flatMap(({ condition, path }) => {
      if (path[0] !== 'partnerPolicies' || !OF_REQUESTS.has(condition.type)) return []
      const message = `${condition.type} is about requests to sites and never holds for a partner; leave it out`
      return [errorIn(policies.source, [...path, 'type'], message)]
    })
  })

interface Leaf {
  readonly condition: ConditionConfig
  readonly path: Path
}

/** All conditions of a realm's policies but those that only join others. */
function conditionsOf({ policies }: RealmSources): readonly Leaf[] {
  const sections = ['policies', 'partnerPolicies'] as const
  return sections.flatMap((section) =>
    (policies?.value[section] ?? []).flatMap(({ condition }, index) =>
      condition === undefined ? [] : leavesOf({ condition, path: [section, index, 'condition'] }),
    ),
  )
}

function leavesOf({ condition, path }: Leaf): readonly Leaf[] {
  switch (condition.type) {
    case 'AND':
    case 'OR':
      return condition.conditions.flatMap((each, i) => leavesOf({ condition: each, path: [...path, 'conditions', i] }))
    case 'NOT':
      return leavesOf({ condition: condition.condition, path: [...path, 'condition'] })
    default:
      return [{ condition, path }]
  }
}

interface Demand {
  readonly kind: 'module' | 'chain' | 'level'
  readonly value: string
  readonly path: Path
}

function demandsOf({ condition, path }: Leaf): readonly Demand[] {
  switch (condition.type) {
    case 'AuthScheme':
      return condition.authScheme.map((value, i) => ({ kind: 'module', value, path: [...path, 'authScheme', i] }))
    case 'AuthenticateToService':
      return [{ kind: 'chain', value: condition.authenticateToService, path: [...path, 'authenticateToService'] }]
    case 'AuthLevel':
      return [{ kind: 'level', value: String(condition.authLevel), path: [...path, 'authLevel'] }]
    case 'Transaction':
      return [
        {
          kind: STRATEGIES[condition.authenticationStrategy],
          value: condition.strategySpecifier,
          path: [...path, 'strategySpecifier'],
        },
      ]
    default:
      return []
  }
}

type Strategy = Extract<ConditionConfig, { readonly type: 'Transaction' }>['authenticationStrategy']

const STRATEGIES: Readonly<Record<Strategy, Demand['kind']>> = {
  AuthScheme: 'module',
  AuthenticateToService: 'chain',
  AuthLevel: 'level',
}

function problemOf(
  source: SourceDocument,
  authentication: AuthnConfig,
  { kind, value, path }: Demand,
): readonly ConfigProblem[] {
  if (kind === 'level') {
    const highest = highestLevel(authentication)
    if (Number(value) <= highest) return []
    return [warningIn(source, path, `no chain of the realm brings everybody who passes it beyond level ${highest}`)]
  }
  const there = kind === 'module' ? authentication.modules : authentication.chains
  if (Object.hasOwn(there, value)) return []
  const hint = source.filled(path) === undefined ? didYouMean(value, Object.keys(there)) : ''
  return [errorIn(source, path, `the realm has no ${kind} ${quoted(source, path, value)}${hint}`)]
}

/** A browser may ask for any chain, so the default is no minimum where another brings less. */
export const checkWeakerChains: Check = ({ realms }) =>
  realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    const { source, value } = realm
    const { defaultChain } = value.authentication
    const levels = chainLevels(value.authentication)
    const usual = levels.get(defaultChain) ?? 0
    return [...levels].flatMap(([name, level]) => {
      if (level >= usual) return []
      const there = placeOf(source, ['authentication', 'chains', defaultChain])
      const message = `this chain brings level ${level} and the default (${there}) ${usual}: a browser may ask for it, so it is what a login comes to at least; ask for the level in policies, or for secondFactors`
      return [warningIn(source, ['authentication', 'chains', name], message)]
    })
  })
