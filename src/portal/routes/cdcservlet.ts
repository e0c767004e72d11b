import { randomName } from '../../base/random-id.ts'
import { sendToAgent, tokenForAgent } from '../agent-hand-over.ts'
import { writeLares } from '../lares.ts'
import { legacyDemand } from '../legacy-login.ts'
import { withQuery } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { PortalSite } from '../ports.ts'
import { originOf, originsOf, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'

/** What an agent sent the browser for, checked. */
interface CdcRequest {
  readonly realm: CompiledRealm
  readonly site: PortalSite
  readonly requestId: string
  readonly providerId: string
  /** Where the browser takes the answer: at the site's own origin, whatever alias it came from. */
  readonly target: string
  /** As it was asked. */
  readonly goto: string
}

type Read =
  | { readonly kind: 'read'; readonly asked: CdcRequest }
  | { readonly kind: 'refused'; readonly reason: string; readonly site?: PortalSite }

const REQUEST_ID = /^[\w.:-]{1,128}$/
const LONGEST_PROVIDER = 500

/**
 * `GET /cdcservlet`: CDSSO as OpenAM 13 and older have it. The browser takes a restricted token to the agent in a form, so everything
 * rests on where that form goes: to the site of an agent that was registered for it, and nowhere else, whether or not there is a session
 * (CVE-2026-45049).
 */
export async function showCdcServlet(parts: PortalParts, visit: Visit): Promise<void> {
  const read = readRequest(parts, visit)
  if (read.kind === 'refused') {
    refuse(parts, visit, read)
    return
  }
  const { asked } = read
  const { realm, site } = asked
  const agent = { realm, site, demanding: legacyDemand(visit), back: addressOf(parts, visit, asked) }
  const given = await tokenForAgent(parts, visit, agent)
  if (given === undefined) return
  const lares = writeLares({
    ...{ responseId: `s${randomName()}`, assertionId: `s${randomName()}`, inResponseTo: asked.requestId },
    ...{ issuer: `${parts.origin}${visit.path}`, audience: asked.providerId },
    ...{ token: given.token, authInstant: given.session.authInstant, now: parts.clock() },
  })
  sendToAgent(visit, agent, { action: asked.target, fields: [['LARES', Buffer.from(lares).toString('base64')]] })
}

function readRequest(parts: PortalParts, visit: Visit): Read {
  const providerId = visit.query('ProviderID') ?? ''
  const provider = providerId.length > LONGEST_PROVIDER ? undefined : URL.parse(providerId)?.origin
  const found = provider === undefined ? undefined : siteOf(parts, provider)
  if (found === undefined) return { kind: 'refused', reason: 'unknown-provider' }
  const { realm, site } = found
  const [goto, other] = [visit.query('TARGET'), visit.query('goto')].filter((value) => value !== undefined)
  if (goto === undefined || other !== undefined) return { kind: 'refused', reason: 'no-goto', site }
  const checked = parts.checkGoto(realm.name, goto)
  if (checked.kind === 'refused') return { kind: 'refused', reason: checked.reason, site }
  if (!originsOf(site).includes(originOf(checked.url))) return { kind: 'refused', reason: 'not-its-own', site }
  const requestId = visit.query('RequestID') ?? ''
  if (!REQUEST_ID.test(requestId)) return { kind: 'refused', reason: 'no-request-id', site }
  const { pathname, search } = new URL(checked.url)
  return {
    kind: 'read',
    asked: { realm, site, requestId, providerId, goto, target: `${site.url}${pathname}${search}` },
  }
}

function siteOf(
  { realms }: PortalParts,
  origin: string,
): { readonly realm: CompiledRealm; readonly site: PortalSite } | undefined {
  for (const realm of realms.all) {
    const site = realms.siteAt(realm, origin)
    if (site?.openAm?.cdcservlet === true) return { realm, site }
  }
  return undefined
}

/** This request without what it asked of the login. */
function addressOf({ origin }: PortalParts, visit: Visit, { requestId, providerId, goto }: CdcRequest): string {
  return `${origin}${withQuery(visit.path, [
    ['RequestID', requestId],
    ['ProviderID', providerId],
    ['TARGET', goto],
  ])}`
}

function refuse(parts: PortalParts, visit: Visit, { reason, site }: Extract<Read, { kind: 'refused' }>): void {
  const { requestId, clientIp } = visit.origin
  parts.audit.record({ event: 'CdcRefused', at: parts.clock(), requestId, clientIp, agent: site?.agent, reason })
  answerError(parts, visit, { kind: 'login-address', status: 400 })
}
