import type { Request, Response } from 'express'
import type { RealmName } from '../../base/brand.ts'
import type { RealmIdp } from '../../federation/saml-idp/realm-idp.ts'
import type { IdpPage, IdpVisit } from '../../federation/saml-idp/visit.ts'
import { drawOpPage } from '../op-pages.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { CompiledRealm } from '../realms.ts'
import { openVisit, type Visit } from '../visit.ts'
import { loginGate } from './oauth2.ts'

const REALM = '((?:/[a-z0-9][a-z0-9-]{0,62})*)'
/** `/saml2/<realm>/…`. */
export const SAML_IDP = new RegExp(`^/saml2${REALM}/(sso|continue|init|metadata)$`)
/** As OpenAM has them, in its usual places. */
export const SAML_ALIAS = new RegExp(`^/(?:am/|openam/)?(?:SSORedirect|SSOPOST)/metaAlias${REALM}/idp$`)
export const SAML_INIT = /^\/(?:am\/|openam\/)?(?:idpssoinit|saml2\/jsp\/idpSSOInit\.jsp)$/
export const SAML_METADATA = /^\/(?:am\/|openam\/)?saml2\/jsp\/exportmetadata\.jsp$/

type Endpoint = 'sso' | 'continue' | 'init' | 'metadata'

/** False where the realm has no part of it, or the address is another's. */
export async function serveSamlIdp(parts: PortalParts, request: Request, response: Response): Promise<boolean> {
  const visit = openVisit(parts, request, response)
  const found = endpointAt(parts, visit)
  const realm = found && parts.realms.get(found.realm)
  if (found === undefined || realm === undefined) return false
  const { method } = request
  if (found.endpoint === 'metadata') return method !== 'POST' && sendMetadata(parts, found.realm, response)
  const idp = parts.saml.idps.of(realm.name)
  if (idp === undefined) return false
  await answer(idp, found.endpoint, idpVisit(parts, { visit, realm, request, response }))
  return true
}

async function answer(idp: RealmIdp, endpoint: Exclude<Endpoint, 'metadata'>, visit: IdpVisit): Promise<void> {
  if (endpoint === 'sso') await idp.request(visit)
  else if (endpoint === 'continue') await idp.goOn(visit)
  else await idp.begin(visit, visit.query('spEntityID'))
}

function endpointAt(
  { saml }: PortalParts,
  visit: Visit,
): { readonly realm: RealmName; readonly endpoint: Endpoint } | undefined {
  const { path } = visit
  const [, own, name] = SAML_IDP.exec(path) ?? []
  if (own !== undefined) return { realm: realmOf(own), endpoint: name as Endpoint }
  const alias = SAML_ALIAS.exec(path)?.[1]
  if (alias !== undefined) return { realm: realmOf(alias), endpoint: 'sso' }
  if (SAML_INIT.test(path)) {
    const metaAlias = /^(.*)\/idp$/.exec(visit.query('metaAlias') ?? '')?.[1]
    return metaAlias === undefined ? undefined : { realm: realmOf(metaAlias), endpoint: 'init' }
  }
  if (!SAML_METADATA.test(path)) return undefined
  const asked = visit.query('entityid')
  const realm = realmOf(visit.query('realm') ?? '')
  // Of the realm that it names; another's entity id has no metadata there.
  return asked === undefined || saml.entityIdOf(realm) === asked ? { realm, endpoint: 'metadata' } : undefined
}

function realmOf(path: string): RealmName {
  return (path === '' ? '/' : path) as RealmName
}

function sendMetadata({ saml }: PortalParts, realm: RealmName, response: Response): boolean {
  const xml = saml.metadataOf(realm)
  if (xml === undefined) return false
  response.set({ 'Cache-Control': 'public, max-age=300', 'Content-Disposition': 'inline; filename="metadata.xml"' })
  response.status(200).set('Content-Type', 'application/samlmetadata+xml; charset=utf-8').end(xml)
  return true
}

interface Answering {
  readonly visit: Visit
  readonly realm: CompiledRealm
  readonly request: Request
  readonly response: Response
}

function idpVisit(parts: PortalParts, { visit, realm, request, response }: Answering): IdpVisit {
  const { requestId, client } = visit.facts
  return {
    method: request.method,
    search: visit.search,
    gate: loginGate(parts, visit, realm),
    requestId,
    clientIp: client.ip,
    query: (name) => visit.query(name),
    field: (name) => visit.field(name),
    sameOrigin: () => visit.sameOrigin(),
    page(page) {
      if (page.kind === 'post') visit.page({ status: 200, template: 'relay', realm, ...relay(page) })
      else {
        const html = drawOpPage(visit, realm, opPage(page))
        response
          .status(page.kind === 'refused' ? page.status : 403)
          .type('html')
          .end(html)
      }
    },
    redirect: (location) => visit.redirect(303, location),
  }
}

/**
 * The partner takes the form, and sends the browser on to wherever it likes: the policy for forms reaches as far as that, so it allows
 * what is as safe as the partner's own address.
 */
function relay({ partner, action, fields }: Extract<IdpPage, { kind: 'post' }>) {
  const { origin, protocol } = new URL(action)
  return {
    formTargets: [origin, protocol === 'https:' ? 'https:' : 'http:'],
    view: (frame: { say: (key: 'login.continue', values: { site: string }) => string }) => ({
      title: partner,
      lead: frame.say('login.continue', { site: partner }),
      action,
      fields,
    }),
  }
}

function opPage(page: Exclude<IdpPage, { kind: 'post' }>): Parameters<typeof drawOpPage>[2] {
  if (page.kind === 'refused')
    return { kind: 'refused', status: page.status, error: page.reason, description: undefined }
  const { partner: client, username, policies, action } = page
  return { kind: 'turned-away', client, username, policies, action, targets: ['https:'] }
}
