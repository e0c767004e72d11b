import { isHopByHop } from '../../http/hop-by-hop.ts'
import { memberOf } from '../reference/json-schema.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { didYouMean } from '../suggest.ts'
import {
  errorIn,
  placeOf,
  quoted,
  repeated,
  warningIn,
  type AgentSource,
  type Check,
  type Named,
  type RealmSources,
} from './check.ts'

/** Agent ids name audiences of tokens: one id, one profile. */
export const checkAgentIds: Check = ({ agents }) => {
  const named = agents.map(({ value, source }) => ({ key: value.id, source, path: ['id'] }))
  return repeated(named).map(({ entry, first }) =>
    errorIn(
      entry.source,
      ['id'],
      `agent id ${quoted(entry.source, ['id'], entry.key)} is taken by ${placeOf(first.source, ['id'])}; give it another`,
    ),
  )
}

export const checkAgentRealms: Check = ({ agents, realms }) =>
  agents.flatMap(({ value, source }) => {
    const realm = realms.find(({ name }) => name === value.realm)
    if (realm !== undefined) return policySetProblems({ value, source }, realm)
    const names = realms.map(({ name }) => name)
    const hint = source.filled(['realm']) === undefined ? didYouMean(value.realm, names) : ''
    return [errorIn(source, ['realm'], `there is no realm ${quoted(source, ['realm'], value.realm)}${hint}`)]
  })

function policySetProblems({ value, source }: AgentSource, realm: RealmSources): ConfigProblem[] {
  // What a gateway elsewhere lets through is its own configuration's.
  if (value.ssoOnly || value.client !== undefined || realm.incomplete) return []
  const policies = realm.policies?.value.policies ?? []
  if (policies.some((policy) => policy.policySet === value.policySet)) return []
  const set = quoted(source, ['policySet'], value.policySet)
  const message = `no policy of realm ${realm.name} is in the set ${set}, so everything is denied; write one, or set ssoOnly: true`
  const path = memberOf(source.value, 'policySet') === undefined ? ['realm'] : ['policySet']
  return [warningIn(source, path, message)]
}

/**
 * Header names that carry the connection or the message itself (request smuggling, host confusion) and the one that carries
 * our assertion: identity never goes there.
 */
const NOT_FOR_IDENTITY = new Set(
  (
    'host content-length content-type expect cookie forwarded x-request-id x-gatehouse-assertion ' +
    'x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port'
  ).split(' '),
)

/** What we say of the request's way ourselves would stand there twice. */
function isTaken(name: string): boolean {
  return isHopByHop(name) || NOT_FOR_IDENTITY.has(name)
}

export const checkIdentityHeaders: Check = ({ agents }) =>
  agents.flatMap(({ value, source }) => {
    const names = Object.keys(value.identity.headers)
    const entries: Named[] = names.map((name) => ({
      key: name.toLowerCase(),
      source,
      path: ['identity', 'headers', name],
    }))
    const { clientAddressHeader: address } = value
    if (address !== undefined) entries.push({ key: address.toLowerCase(), source, path: ['clientAddressHeader'] })
    const twice = repeated(entries).map(({ entry }) =>
      errorIn(source, entry.path, `this header is there already in another spelling; header names ignore case`),
    )
    const reserved = entries
      .filter(({ key }) => isTaken(key))
      .map(({ path }) =>
        errorIn(
          source,
          path,
          path.length === 1
            ? 'this header means something else already; choose another name, such as X-Real-IP'
            : 'this header cannot carry identity; choose another name, such as X-Remote-User',
        ),
      )
    return [...twice, ...reserved]
  })

/** A login page that asks for a chain that is not there shows no form. */
export const checkLoginRules: Check = ({ agents, realms }) =>
  agents.flatMap(({ value, source }) => {
    const chains = realms.find(({ name }) => name === value.realm)?.realm?.value.authentication.chains
    if (chains === undefined) return []
    return value.loginRules.flatMap(({ chain }, index) => {
      if (chain === undefined || Object.hasOwn(chains, chain)) return []
      const path = ['loginRules', index, 'chain']
      const hint = source.filled(path) === undefined ? didYouMean(chain, Object.keys(chains)) : ''
      return [errorIn(source, path, `realm ${value.realm} has no chain ${quoted(source, path, chain)}${hint}`)]
    })
  })

export const checkSomethingIsProtected: Check = ({ gatehouse, hasAgentFiles }) =>
  gatehouse === undefined || hasAgentFiles
    ? []
    : [warningIn(gatehouse.source, [], 'there is no agent profile beside this file, so no site is protected yet')]
