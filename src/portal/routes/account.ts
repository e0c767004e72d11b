import type { RealmName } from '../../base/brand.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import { accountPairs, accountUrl, accountView, type AccountNotice } from '../account-view.ts'
import { signInUrl } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'
import { showWelcome } from './home.ts'

/** Characters of a handle that are looked at. */
const LONGEST_HANDLE = 100

export interface SignedIn {
  readonly session: Session
  readonly realm: CompiledRealm
}

/** `GET /account`: the sessions of who is signed in, this one first. */
export async function showAccount(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await signedIn(parts, visit)
  if (who === undefined) {
    await askToSignIn(parts, visit, 302, visit.query('realm'))
    return
  }
  visit.used(who.session)
  const others = await othersOf(parts, who.session)
  const notice = noticeOf(visit, others)
  await showSessions(parts, visit, who, { status: 200, others, notice, page: pageOf(visit.query('page')) })
}

/** `POST /account`: ends one of the person's other sessions, or all of them, or what an application may do. Nothing that is not theirs. */
export async function submitAccount(parts: PortalParts, visit: Visit): Promise<void> {
  if (!visit.sameOrigin()) {
    answerError(parts, visit, { kind: 'cross-site', status: 403 })
    return
  }
  const who = await signedIn(parts, visit)
  if (who === undefined) {
    await askToSignIn(parts, visit, 303, visit.field('realm'))
    return
  }
  const handle = visit.field('session')
  const application = visit.field('application')
  if (visit.field('others') !== undefined) {
    await parts.sessions.endOthers(who.session, 'account', visit.origin)
    visit.redirect(303, accountUrl(who.realm, 1, [['ended', 'others']]))
  } else if (application !== undefined) {
    await takeBack(parts, visit, who, application)
  } else if (handle === undefined) {
    answerError(parts, visit, { kind: 'bad-request', status: 400 })
  } else {
    await endOne(parts, visit, who, handle)
  }
}

async function endOne(parts: PortalParts, visit: Visit, who: SignedIn, handle: string): Promise<void> {
  const others = await othersOf(parts, who.session)
  const page = pageOf(visit.field('page'))
  const chosen = others.find(({ sid }) => sid === handle)
  if (chosen !== undefined) {
    await parts.sessions.end(chosen.sid, 'account', visit.origin)
    visit.redirect(303, accountUrl(who.realm, page, [['ended', chosen.sid]]))
    return
  }
  await auditForeign(parts, visit, who.session, handle)
  // The same for one that ended a moment ago, one that never was and somebody else's: nobody learns which names are alive.
  await showSessions(parts, visit, who, { status: 404, others, notice: 'gone', page })
}

async function takeBack(parts: PortalParts, visit: Visit, { session, realm }: SignedIn, client: string): Promise<void> {
  const { userId, username, sid } = session
  const wasThere = await parts.issuers.applications(realm.name)?.takeBack(userId, client)
  if (wasThere === true) {
    const { requestId, clientIp } = visit.origin
    const about = { at: parts.clock(), requestId, clientIp, realm: realm.name }
    parts.audit.record({ ...about, event: 'OidcConsentWithdrawn', username, sid, client })
  }
  // The same for one that was never agreed to: it is what was asked for.
  visit.redirect(303, accountUrl(realm, 1, [['application', client.slice(0, LONGEST_HANDLE)]]))
}

interface Shown {
  readonly status: number
  readonly others: readonly Session[]
  readonly notice: AccountNotice
  readonly page: number
}

async function showSessions(
  parts: PortalParts,
  visit: Visit,
  { session, realm }: SignedIn,
  { status, others, notice, page }: Shown,
): Promise<void> {
  const [holdings, applications = []] = await Promise.all([
    parts.ownFactors.holdings(session),
    parts.issuers.applications(realm.name)?.of(session.userId),
  ])
  visit.page({
    status,
    template: 'account',
    realm,
    language: { action: '/account', keep: accountPairs(realm, page) },
    view: (frame) =>
      accountView(frame, { realm, session, holdings, applications, others, page, notice, now: parts.clock() }),
  })
}

export async function signedIn(parts: PortalParts, visit: Visit): Promise<SignedIn | undefined> {
  const session = await visit.session()
  const realm = session === undefined ? undefined : parts.realms.get(session.realm)
  // People without proof have nothing of their own here.
  if (session !== undefined && isAnonymous(session)) return undefined
  return session === undefined || realm === undefined ? undefined : { session, realm }
}

/** To the login page of the realm that is meant, and back; where none is, the person knows which is theirs. */
export async function askToSignIn(
  parts: PortalParts,
  visit: Visit,
  status: 302 | 303,
  realm: string | undefined,
): Promise<void> {
  const session = await visit.session()
  const { all } = parts.realms
  const meant = parts.realms.get(realm as RealmName) ?? (all.length === 1 ? all[0] : undefined)
  if (meant !== undefined) visit.redirect(status, signInUrl(meant, session, [['goto', '/account']]))
  else showWelcome(parts, visit, 'account', session)
}

/** Last used first. */
async function othersOf(parts: PortalParts, { sid, realm, userId }: Session): Promise<readonly Session[]> {
  const all = await parts.sessions.ofUser({ realm, userId })
  return all
    .filter((each) => each.sid !== sid)
    .sort((one, other) => other.lastSeenAt - one.lastSeenAt || other.createdAt - one.createdAt)
}

/** Anybody can send an address that lulls ("that session has ended"): the page says so after our own form, and only if it is so. */
function noticeOf(visit: Visit, others: readonly Session[]): AccountNotice {
  const factors = visit.query('factors')
  if (isFactorsNotice(factors) && visit.mayFollowOwnPage()) return `factors-${factors}`
  if (visit.query('application') !== undefined) return visit.mayFollowOwnPage() ? 'taken-back' : undefined
  const ended = visit.query('ended')
  if (ended === undefined || ended === '' || !visit.mayFollowOwnPage()) return undefined
  if (ended === 'others') return others.length === 0 ? 'ended-others' : undefined
  return others.some(({ sid }) => sid === ended) ? undefined : 'ended'
}

function isFactorsNotice(text: string | undefined): text is 'gone' | 'renamed' | 'removed' {
  return text === 'gone' || text === 'renamed' || text === 'removed'
}

function pageOf(text: string | undefined): number {
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 1
}

async function auditForeign(parts: PortalParts, visit: Visit, asking: Session, handle: string): Promise<void> {
  if (handle.length > LONGEST_HANDLE || handle === asking.sid) return
  const target = await parts.sessions.find(handle)
  if (target === undefined || isOwn(asking, target)) return
  const { realm, username, sid } = asking
  const { requestId, clientIp } = visit.origin
  const about = { at: parts.clock(), requestId, clientIp }
  parts.audit.record({ ...about, event: 'SessionEndRefused', realm, username, sid, target: target.sid })
}

function isOwn({ realm, userId }: Session, other: Session): boolean {
  return other.realm === realm && other.userId === userId
}
