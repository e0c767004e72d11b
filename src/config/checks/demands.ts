import type { AuthnConfig } from '../../authn/chains.schema.ts'
import { chainLevels, highestLevel } from '../../authn/chain-levels.schema.ts'
import type { ConditionConfig } from '../../policy/conditions.schema.ts'
import type { Path } from '../locator.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, placeOf, quoted, warningIn, type Check } from './check.ts'

/** What conditions of policies ask of a login: a module or chain that is not there lets nobody in, or with NOT everybody. */
export const checkDemands: Check = ({ realms }) =>
  realms.flatMap(({ realm, policies }) => {
    if (realm === undefined || policies === undefined) return []
    const { authentication } = realm.value
    return policies.value.policies.flatMap(({ condition }, index) =>
      demandsOf(condition, ['policies', index, 'condition']).flatMap((demand) =>
        problemOf(policies.source, authentication, demand),
      ),
    )
  })

interface Demand {
  readonly kind: 'module' | 'chain' | 'level'
  readonly value: string
  readonly path: Path
}

function demandsOf(condition: ConditionConfig | undefined, path: Path): readonly Demand[] {
  switch (condition?.type) {
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
    case 'AND':
    case 'OR':
      return condition.conditions.flatMap((each, i) => demandsOf(each, [...path, 'conditions', i]))
    case 'NOT':
      return demandsOf(condition.condition, [...path, 'condition'])
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
