import { STANDARD_CLAIMS } from '../../federation/oidc-op/clients.schema.ts'
import { isPasswordHash } from '../../crypto/password-hash.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { didYouMean } from '../suggest.ts'
import { errorIn, placeOf, quoted, repeated, type Check, type RealmSources } from './check.ts'

/** What no client can do without is there in every realm. */
const OWN_SCOPES = ['openid', 'offline_access']

/** OpenID clients of each realm: names, secrets, and that what they may ask for is something that is told. */
export const checkClients: Check = ({ realms, gatehouse }) => {
  const { listeners = [], clientCertificateHeader } = gatehouse?.value ?? {}
  const asksForCertificates =
    gatehouse === undefined ||
    clientCertificateHeader !== undefined ||
    listeners.some(({ tls }) => tls?.clientCertificates !== undefined)
  return [...realms.flatMap(problemsOf), ...(asksForCertificates ? [] : realms.flatMap(withoutCertificates))]
}

/** Clients that are known by what nobody asks them for. */
function withoutCertificates({ clients }: RealmSources): readonly ConfigProblem[] {
  if (clients === undefined) return []
  return clients.value.clients.flatMap(({ authMethod, requireCertificate }, index) => {
    if (!requireCertificate && authMethod !== 'self_signed_tls_client_auth') return []
    const path = ['clients', index, requireCertificate ? 'requireCertificate' : 'authMethod']
    const message =
      'no listener asks for certificates, so this client can never show one; set tls.clientCertificates of a listener, or clientCertificateHeader'
    return [errorIn(clients.source, path, message)]
  })
}

/** An agent that signs in by OpenID Connect is a client by its profile: a second registration would be another client of the same name. */
export const checkAgentsAsClients: Check = ({ agents, realms }) =>
  realms.flatMap(({ name, clients }) =>
    (clients?.value.clients ?? []).flatMap(({ id }, index) => {
      const agent = agents.find(({ value }) => value.sso === 'oidc' && value.realm === name && value.id === id)
      if (clients === undefined || agent === undefined) return []
      const path = ['clients', index, 'id']
      const message = `agent ${quoted(clients.source, path, id)} is a client by its profile (${placeOf(agent.source, ['sso'])}); take this entry out, or give it another id`
      return [errorIn(clients.source, path, message)]
    }),
  )

function problemsOf({ clients }: RealmSources): readonly ConfigProblem[] {
  if (clients === undefined) return []
  const { source, value } = clients
  const named = value.clients.map(({ id }, index) => ({ key: id, source, path: ['clients', index, 'id'] }))
  const known = [...OWN_SCOPES, ...Object.keys({ ...STANDARD_CLAIMS, ...value.claims })]
  return [
    ...repeated(named).map(({ entry, first }) =>
      errorIn(
        source,
        entry.path,
        `client ${quoted(source, entry.path, entry.key)} is there already (${placeOf(source, first.path)})`,
      ),
    ),
    ...value.clients.flatMap(({ scopes, secretHash, acrValues }, index) => [
      ...acrValues.flatMap((name, at) => {
        if (/^\d{1,4}$/.test(name) || value.acr.some((each) => each.name === name)) return []
        const path = ['clients', index, 'acrValues', at]
        return [
          errorIn(source, path, `there is no acr ${quoted(source, path, name)}; write a level, or name it in acr`),
        ]
      }),
      ...(secretHash === undefined || isPasswordHash(secretHash)
        ? []
        : [
            errorIn(
              source,
              ['clients', index, 'secretHash'],
              'this is no usable argon2id hash; paste what `gatehouse hash-password` prints',
            ),
          ]),
      ...unknownScopes(clients, { scopes, path: ['clients', index, 'scopes'], known }),
    ]),
    ...unknownScopes(clients, { scopes: value.registration?.scopes ?? [], path: ['registration', 'scopes'], known }),
  ]
}

interface Scopes {
  readonly scopes: readonly string[]
  readonly path: readonly (string | number)[]
  readonly known: readonly string[]
}

function unknownScopes(
  { source }: Pick<NonNullable<RealmSources['clients']>, 'source'>,
  { scopes, path: list, known }: Scopes,
): readonly ConfigProblem[] {
  return scopes.flatMap((scope, at) => {
    if (known.includes(scope)) return []
    const path = [...list, at]
    const message = `nothing is told by the scope ${quoted(source, path, scope)}; say in claims what it tells${didYouMean(scope, known)}`
    return [errorIn(source, path, message)]
  })
}
