import type { EpochMs } from '../base/brand.ts'
import { type Clock, monotonicMs } from '../base/clock.ts'
import { fault } from '../errors.ts'
import { AMBIGUOUS } from '../http/cookies.ts'
import type { AdviceName, Decision, Facts, PolicySubject } from '../policy/decision.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { BearerResolver } from '../session/bearer.ts'
import type { Session, SessionResolver, SessionService, SessionToken } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import type { KnownFacts } from './site.ts'
import type { Forward, MissingSession, Refuse, Verdict } from './verdict.ts'
import type { Visitor } from './not-enforced.ts'
import { evaluate, explainAccess, type Asker } from './policy-query.ts'
import type { TokenFault } from './request-tokens.ts'
import { signOut } from './sign-out.ts'
import { sentToken } from './token-cookie.ts'
import { tellDecision } from './told-decision.ts'
import { ORIGIN_REFUSED, webSocketFault } from './websocket.ts'
import type { HeaderList } from './upstream/upstream.ts'

export interface DecideDeps {
  readonly sessions: Pick<SessionService, 'resolve' | 'end'>
  readonly bearer: Pick<BearerResolver, 'resolve'>
  readonly clock: Clock
}

/** The policy enforcement point in reading order. */
export interface Decide {
  /**
   * Answers at once where everything is known. Throws or rejects with a fault (503 and the like) when nobody can say; a fault
   * never lets a request through.
   */
  decide(request: AccessRequest): Verdict | Promise<Verdict>
  /** The same for a session that is known already: open streams after a change of configuration. */
  decideKnown(request: AccessRequest, session: Session): Verdict | Promise<Verdict>
}

const NO_IDENTITY: HeaderList = []
const GRACE = { grace: true } as const
const METHOD_REFUSED: Refuse = { kind: 'refuse', status: 405, reason: 'method-not-allowed' }

export function createDecide({ sessions, bearer, clock }: DecideDeps): Decide {
  const decide = (request: AccessRequest): Verdict | Promise<Verdict> => {
    const { site } = request
    if (!site.allowedMethods.has(request.method)) return told(request, METHOD_REFUSED)
    if (site.logout?.recognises(visitorOf(request)) === true && !request.upgrade)
      return signOut({ sessions, decideOpen, decide: decideRest, decideKnown }, request)
    return decideRest(request)
  }

  const decideRest = (request: AccessRequest): Verdict | Promise<Verdict> => {
    const { site, raw } = request
    const malformed = request.upgrade ? webSocketFault(raw, site) : undefined
    if (malformed !== undefined) return malformed
    const open = decideOpen(request)
    if (open !== undefined) return open
    if (request.upgrade && raw.headers.origin === undefined) return ORIGIN_REFUSED

    const { authorization } = raw.headers
    // What a program says itself counts alone; a cookie, which a browser adds to every request, neither helps nor contradicts.
    if (authorization !== undefined && site.isOurToken(authorization)) {
      return withResolved(request, bearer.resolve(authorization, GRACE), 'dead-bearer')
    }
    const token = sentToken(request)
    if (token === undefined) return login(request, 'no-cookie')
    if (token === AMBIGUOUS) return login(request, 'two-cookies')
    return withResolved(request, sessions.resolve(token as SessionToken, site.audience, GRACE), 'dead-token')
  }

  const withResolved = (
    request: AccessRequest,
    resolved: ReturnType<SessionResolver['resolve']>,
    otherwise: MissingSession,
  ): Verdict | Promise<Verdict> => {
    if (!(resolved instanceof Promise)) return withSession(request, resolved, otherwise)
    // Only what the store had to be asked for takes time worth writing down.
    const started = monotonicMs()
    return resolved.then((session) => {
      request.stages.sessionMs = monotonicMs() - started
      return withSession(request, session, otherwise)
    })
  }

  const withSession = (
    request: AccessRequest,
    session: Session | undefined,
    otherwise: MissingSession,
  ): Verdict | Promise<Verdict> => {
    // A session of another realm is none here: realms do not vouch for each other.
    if (session?.realm !== request.site.realm) return login(request, otherwise)
    return decideKnown(request, session)
  }

  const decideKnown = (request: AccessRequest, session: Session): Verdict | Promise<Verdict> => {
    const facts = request.site.factsOf(session)
    if (facts instanceof Promise) return facts.then((known) => withFacts(request, session, known))
    return withFacts(request, session, facts)
  }

  const withFacts = (
    request: AccessRequest,
    known: Session,
    facts: KnownFacts | undefined,
  ): Verdict | Promise<Verdict> => {
    if (facts === undefined) return login(request, 'dead-token')
    const session = facts.unconfirmed === true ? { ...known, unconfirmed: true as const } : known
    const demand = request.site.requestTokens?.demandOn(session, facts)
    if (demand === undefined) return withPolicy(request, session, facts)
    const judged = demand.faultOf(request.raw.headers.authorization, session)
    const go = (reason: TokenFault | undefined): Verdict | Promise<Verdict> =>
      reason === undefined
        ? withPolicy(request, session, facts)
        : { kind: 'token-needed', site: request.site, session, reason, issuers: demand.issuers }
    return judged instanceof Promise ? judged.then(go) : go(judged)
  }

  const withPolicy = (request: AccessRequest, session: Session, facts: Facts): Verdict | Promise<Verdict> => {
    const started = monotonicMs()
    const person = { session, facts, now: clock() }
    const verdict = judge(request, person)
    request.stages.policyMs = monotonicMs() - started
    tellDecision(request, person, verdict)
    return verdict.kind === 'deny' && verdict.endsSession ? afterEnd(request, session) : verdict
  }

  /** The session is over before anybody is told, so that the login that follows begins another. */
  const afterEnd = async (request: AccessRequest, { sid }: Session): Promise<Verdict> => {
    await sessions.end(sid, 'max-life', { requestId: request.id, clientIp: request.client.ip })
    return login(request, 'dead-token')
  }

  return { decide, decideKnown }
}

/** What is decided without a session. */
function told(request: AccessRequest, verdict: Verdict): Verdict {
  tellDecision(request, undefined, verdict)
  return verdict
}

function decideOpen(request: AccessRequest): Verdict | undefined {
  const { site } = request
  if (!site.notEnforced(visitorOf(request))) return undefined
  return told(request, { kind: 'forward', site, session: undefined, identity: NO_IDENTITY })
}

function visitorOf({ method, client, target: { path, alternatives } }: AccessRequest): Visitor {
  return { method, ip: client.ip, path, alternatives }
}

function login({ site }: AccessRequest, missing: MissingSession): Verdict {
  return { kind: 'login', site, missing }
}

interface Person extends Asker {
  readonly session: Session
}

/** Session in hand: does policy allow it? */
function judge(request: AccessRequest, person: Person): Verdict {
  const { site } = request
  const { session } = person
  if (site.ssoOnly) return isAnonymous(session) ? signInFirst(request, session) : forward(request, person)
  const decision = evaluate(request, person)
  if (!decision.allowed)
    return isAnonymous(session) ? signInFirst(request, session, decision) : refused(request, person, decision)
  if (session.unconfirmed === true && !evaluate(request, { ...person, session: unproven(session) }).allowed) {
    // The level may have been taken back since the store was last heard: no grace where it matters.
    throw fault('GH_STORE_UNAVAILABLE', { detail: 'no grace for a path that asks for a level' })
  }
  return forward(request, person, decision.attributes)
}

/** Who has proved nothing is asked to, as who has no session is; for as much at once as is known to be needed. */
function signInFirst({ site }: AccessRequest, session: Session, decision?: Decision): Verdict {
  const [asked = '0'] = decision?.advices?.AuthLevelConditionAdvice ?? []
  const level = Math.max(session.authLevel + 1, Number(asked))
  return { kind: 'step-up', site, session, advices: { AuthLevelConditionAdvice: [String(level)] } }
}

function forward({ site }: AccessRequest, { session, facts }: Person, said?: Decision['attributes']): Forward {
  return { kind: 'forward', site, session, identity: site.identity(session, facts, said) }
}

/** What the login host can bring about. */
const KNOWN_ADVICES: ReadonlySet<string> = new Set<AdviceName>([
  'AuthLevelConditionAdvice',
  'AuthSchemeConditionAdvice',
  'AuthenticationAgeConditionAdvice',
  'AuthenticateToServiceConditionAdvice',
  'TransactionConditionAdvice',
])

function refused(request: AccessRequest, person: Person, { advices, policies, endsSession }: Decision): Verdict {
  const { site } = request
  const { session, facts } = person
  // An advice nobody here can act on would send the browser round in circles.
  const isKnown = advices !== undefined && Object.keys(advices).every((name) => KNOWN_ADVICES.has(name))
  if (isKnown) return { kind: 'step-up', site, session, advices }
  return {
    kind: 'deny',
    site,
    session,
    reason: advices === undefined ? 'policy' : 'advice-unknown',
    policies,
    why: explainAccess(request, person).trace,
    isAdministrator: site.isAdministrator(facts),
    endsSession,
  }
}

/** The same person as if they had proved nothing: what such a one may do needs no confirmation of a level. */
function unproven(session: Session): PolicySubject {
  return { ...session, authLevel: 0, authModules: [], authInstant: 0 as EpochMs }
}
