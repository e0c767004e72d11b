import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { JWK, KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import type { RingKey } from '../../crypto/key-document.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import { GatehouseError } from '../../errors.ts'
import type { UserDirectory } from '../../identity/directory.ts'
import type { RedemptionFault, Session } from '../../session/session.ts'
import { consentEpochKey, lastingEpochKeys } from '../../session/lasting-epochs.ts'
import { epochKeys } from '../../session/stateless-claims.ts'
import type { OutboxEntry, Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { PartnerAccess } from '../partner-access.ts'
import { createAdapter, recordKey } from './adapter.ts'
import { createApplications, type Applications } from './applications.ts'
import { redeemAgentCode, type AgentCode } from './agent-codes.ts'
import { claimsByScope, claimsWithin, type Claims } from './account-claims.ts'
import { metadataOf, targetsOf } from './client-metadata.ts'
import type { ClientsFile, OidcClientConfig } from './clients.schema.ts'
import { checkSecrets, type VerifySecret } from './client-secrets.ts'
import { configurationOf } from './configuration.ts'
import { tellEvents } from './events.ts'
import { createConsents } from './consents.ts'
import { createGrants } from './grants.ts'
import { createInteractions } from './interactions.ts'
import { createLevels, methodsOf } from './levels.ts'
import type { Library } from './library.ts'
import { createPartnerGate } from './partner-gate.ts'
import { durable, shortLived } from './records.ts'
import { createRegisteredClients } from './registered-clients.ts'
import { createRegistration, REGISTRATION_PATH } from './registration.ts'
import { tellClients } from './session-ends.ts'
import { surround } from './surroundings.ts'
import { bindSessions, type Bound } from './sso-binding.ts'
import { createSsoSessions } from './sso-sessions.ts'
import { createSubjects } from './subjects.ts'
import { limitUnproved } from './unproved-records.ts'
import { Visits, type OpVisit } from './visits.ts'

/** A realm as its provider sees it. */
export interface ProviderRealm {
  readonly name: RealmName
  readonly file: ClientsFile
  readonly directory: Pick<UserDirectory, 'find'>
  readonly access: PartnerAccess
  /** The type of a module of the realm. */
  readonly moduleType: (module: string) => string | undefined
  /** The level that a login can come to. */
  readonly highestLevel: number
  readonly maxLifeMs: number
  /** Its only clients are agents of this gateway: nothing is loaded before the first of them is asked for. */
  readonly onDemand: boolean
}

export interface ProviderDeps {
  readonly library: Library
  readonly store: Pick<Store, 'versioned' | 'documents' | 'counters' | 'epochs'>
  /** A live session, of somebody whom the configuration knows. */
  readonly find: (sid: string) => Promise<Session | undefined>
  readonly keyRing: Pick<KeyRing, 'all'>
  readonly verifySecret: VerifySecret
  /** Origin of the login host. */
  readonly origin: string
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}

/** A session that has ended. */
export type Ended = Pick<OutboxEntry, 'sid' | 'userId' | 'cause'>

/** The OpenID provider of one realm. */
export interface RealmProvider {
  /** Answers a request; `path` is what comes after the issuer. */
  serve(visit: OpVisit, path: string): Promise<void>
  /** Trades the code of an agent of this gateway for the session that it stands for, once. */
  redeem(code: AgentCode): Promise<Session | RedemptionFault>
  /** Told that a session of the realm has ended; rejects when a client could not be told. */
  sessionEnded(entry: Ended): Promise<void>
  readonly applications: Applications
  /** Settles when this process knows of the clients that others have registered. */
  freshen(): Promise<void>
  /** The client that a page of the login's leads back to: what it is called, and where its forms end up. */
  clientFor(id: string): { readonly title: string; readonly targets: readonly string[] } | undefined
}

/** Where a realm's issuer is, below the login host. */
export function issuerPath(realm: RealmName): string {
  const parts = realm.split('/').filter((part) => part !== '')
  return ['/oauth2/realms/root', ...parts.map((part) => `realms/${part}`)].join('/')
}

export function createRealmProvider(realm: ProviderRealm, deps: ProviderDeps): RealmProvider {
  const { name, file } = realm
  const { store, clock, library } = deps
  const mount = issuerPath(name)
  const visits = new Visits()
  const clients = new Map(file.clients.filter(({ disabled }) => !disabled).map((client) => [client.id, client]))
  const shelves = { shortLived: shortLived(store), durable: durable(store, clock) }
  const keyOf = recordKey(name)
  const registered = createRegisteredClients({ rules: file.registration, shelf: shelves.durable, keyOf, clock })
  const clientOf = (id: string): OidcClientConfig | undefined => clients.get(id) ?? registered.of(id)
  const subjectOf = createSubjects(file, clientOf)
  const allClaims = claimsByScope(file.claims)
  const claimsFor = (id: string): Claims => claimsWithin(allClaims, clientOf(id)?.scopes ?? [])
  const sessions = createSsoSessions({ realm: name, find: deps.find, shelf: shelves.shortLived, keyOf, clock })
  const levels = createLevels(file.acr, realm.highestLevel)
  const consents = createConsents({ shelf: shelves.durable, keyOf, clock })
  const grants = createGrants({ consents, clientOf, claimsFor })
  const bound = new WeakMap<IncomingMessage, Bound>()
  const sessionOf = (ctx: KoaContextWithOIDC): Session | undefined => bound.get(ctx.req)?.session
  const { access } = realm
  const partnerGate = createPartnerGate({ realm: name, access, library, visits, levels, sessions, sessionOf })
  const describe = { levels, methodsOf: (session: Session) => methodsOf(session, realm.moduleType) }

  const build = (keys: readonly JWK[]): Provider => {
    const adapter = (kind: string) =>
      createAdapter(kind, {
        ...{ realm: name, library, sessions, ...shelves },
        endings: (userId, client, isLasting) => {
          const person = { realm: name, userId }
          return store.epochs.read(isLasting ? lastingEpochKeys(person, client) : [consentEpochKey(person, client)])
        },
        mayKeep: limitUnproved({ realm: name, library, visits, counters: store.counters, sessionOf }),
        async registered(id) {
          const client = await registered.find(id)
          return client && metadataOf(client)
        },
        context: () => library.Provider.ctx,
        foundAtFirst: (request) => bound.get(request)?.authorizations ?? {},
      })
    const provider = new library.Provider(
      deps.origin + mount,
      configurationOf({
        ...{ library, file, clientOf, claimsFor, grants, levels, partnerGate, visits, adapter, keys, sessionOf },
        issuer: deps.origin + mount,
        subjectOf,
        isSecure: deps.origin.startsWith('https:'),
        directory: realm.directory,
        maxLifeMs: realm.maxLifeMs,
        interactionUrl: (uid, client) => `${mount}/interaction/${uid}?${new URLSearchParams({ client }).toString()}`,
        renderError: (ctx, { error, error_description: description }, caught) => {
          if (caught instanceof GatehouseError) ctx.status = caught.status
          ctx.type = 'html'
          ctx.body = visits.of(ctx.req).draw({ kind: 'refused', status: ctx.status, error, description })
        },
      }),
    )
    // Overwritten by `serve`: nothing that a client sends decides what this host is called.
    provider.proxy = true
    checkSecrets(provider, {
      ...{ realm: name, library, visits, clientOf, counters: store.counters },
      verify: deps.verifySecret,
    })
    // Every ID token says which session it is of, so that a logout can.
    provider.Client.prototype.includeSid = () => true
    bindSessions(provider, bound, { visits, sessions, ...describe })
    surround(provider, { visits, counters: store.counters, sessionOf, clientOf, realm: name, library })
    tellEvents(provider, { ...deps, realm: name, visits, sessionOf })
    return provider
  }
  const current = providerByKeys(deps.keyRing, build)
  const { registration: rules } = file
  const register = rules && createRegistration({ ...deps, realm: name, rules, registered, counters: store.counters })
  const interactions = createInteractions({
    ...{ visits, grants, clock, mount, describe, access, clientOf, claimsFor, subjectOf },
    audit: deps.audit,
    realm: name,
  })

  return {
    async serve(visit, path) {
      visits.begin(visit)
      await registered.freshen()
      if (path === REGISTRATION_PATH && register !== undefined) {
        await register(visit)
        return
      }
      const provider = current()
      const asked = /^\/interaction\/([\w-]{1,64})$/.exec(path)?.[1]
      if (asked !== undefined) {
        await interactions(provider, visit, asked)
        return
      }
      const { request, response } = visit
      const { protocol, host } = new URL(deps.origin)
      request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
      request.headers['x-forwarded-host'] = host
      request.headers['x-forwarded-for'] = visit.clientIp
      await behind(mount, visit, () => provider.callback()(request, response))
    },
    redeem: (code) => redeemAgentCode(current(), code, { ...deps, realm: name }),
    sessionEnded: (entry) =>
      tellClients(entry, {
        ...{ provider: current(), sessions, ...shelves, realm: name, log: deps.log },
        endEverything: async (userId) => void (await store.epochs.raise(epochKeys({ realm: name, userId })[0])),
      }),
    applications: createApplications({ realm: name, consents, epochs: store.epochs, clientOf, claimsFor }),
    freshen: () => registered.freshen(),
    clientFor(id) {
      const client = clientOf(id)
      return client && { title: client.name ?? client.id, targets: targetsOf(client) }
    },
  }
}

/** The library counts addresses from where it is mounted, as under any framework. */
async function behind(mount: string, { request }: OpVisit, answer: () => Promise<void>): Promise<void> {
  const whole = request.url ?? '/'
  Object.assign(request, { originalUrl: whole, url: whole.slice(mount.length) })
  await answer()
}

/** A provider for the keys of now: another one when keys are replaced. What it knows is in the store. */
function providerByKeys(keyRing: Pick<KeyRing, 'all'>, build: (keys: readonly JWK[]) => Provider): () => Provider {
  let made: { readonly kids: string; readonly provider: Provider } | undefined
  return () => {
    const keys = [...keyRing.all('oidc-rsa'), ...keyRing.all('oidc-ec')]
    const kids = keys.map(({ kid }) => kid).join(' ')
    if (made?.kids !== kids) made = { kids, provider: build(keys.map(privateJwk)) }
    return made.provider
  }
}

/** For the library to sign with; it publishes the public members alone. */
function privateJwk({ key, kid, purpose }: RingKey): JWK {
  const alg = purpose === 'oidc-ec' ? 'ES256' : 'RS256'
  return { ...key.export({ format: 'jwk' }), kid, use: 'sig', alg }
}
