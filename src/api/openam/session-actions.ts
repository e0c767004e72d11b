import { z } from 'zod'
import type { EpochMs } from '../../base/brand.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { AgentSession } from '../../session/agent-sessions.ts'
import type { Session, SessionToken } from '../../session/session.ts'
import { callingAgent, heldByAgent, sessionFor } from './agents.ts'
import { auditCall, permission, sessionOf, type Call, type SessionsDeps } from './call.ts'
import { FORBIDDEN, ok, problem, UNAUTHORIZED, type Reply } from './reply.ts'
import { endByHandle, endOfUser } from './session-endings.ts'
import * as facts from './session-facts.ts'
import { isSince, type ApiVersion } from './version.ts'

const body = z.strictObject({ tokenId: z.string().min(1).max(8_192).optional() }).optional()
const named = z.strictObject({ tokenId: z.string().optional(), properties: z.array(z.string().max(200)).max(50) })

/** One question about a session that is known and that the caller may ask about. */
interface Question {
  /** Whether the session counts as used: always, when asked for (`refresh=true`), unless forbidden (`refresh=false`), never. */
  readonly uses: 'always' | 'asked' | 'never'
  /** What is answered for a session that is over, instead of a refusal. */
  readonly over?: object
  answer(session: Session, now: EpochMs, version: ApiVersion): object
}

const QUESTIONS: ReadonlyMap<string, Question> = new Map<string, Question>([
  ['isActive', { uses: 'asked', over: { active: false }, answer: () => ({ active: true }) }],
  [
    'getTimeLeft',
    { uses: 'never', over: { maxtime: -1 }, answer: (session, now) => ({ maxtime: facts.secondsLeft(session, now) }) },
  ],
  [
    'getMaxSessionTime',
    {
      uses: 'never',
      over: { maxsessiontime: -1 },
      answer: (session) => ({ maxsessiontime: facts.lifeMinutes(session) }),
    },
  ],
  [
    'getMaxIdle',
    { uses: 'never', over: { maxidletime: -1 }, answer: (session) => ({ maxidletime: facts.idleMinutes(session) }) },
  ],
  [
    'getIdle',
    {
      uses: 'never',
      over: { idletime: -1 },
      answer: (session, now) => ({ idletime: facts.idleSeconds(session, now) }),
    },
  ],
  ['getSessionInfo', { uses: 'never', answer: infoFor }],
  ['getSessionInfoAndResetIdleTime', { uses: 'always', answer: infoFor }],
  ['refresh', { uses: 'always', answer: refreshed }],
  ['getSessionProperties', { uses: 'never', answer: facts.propertiesOf }],
  [
    'getPropertyNames',
    { uses: 'never', answer: (session) => ({ properties: Object.keys(facts.propertiesOf(session)) }) },
  ],
])

/** What would write into a session. Only logins do. */
const WRITES: readonly string[] = ['updateSessionProperties', 'setProperty', 'deleteProperty']

const NOT_HERE = problem(501, 'the action is not supported by this version of the resource')

/** `POST …/sessions?_action=NAME`. */
export async function actOnSession(deps: SessionsDeps, call: Call): Promise<Reply> {
  const name = call.query('_action') ?? ''
  const question = QUESTIONS.get(name)
  if (question !== undefined) return answer(deps, call, question)
  switch (name) {
    case 'validate':
      return validate(deps, call)
    case 'logout':
      return logout(deps, call)
    case 'logoutByHandle':
      return endByHandle(deps, call)
    case 'logoutByUser':
      return isSince(call.version, SINCE.endingByUser) ? endOfUser(deps, call) : NOT_HERE
    case 'getProperty':
      return getProperty(deps, call)
    case '':
      return problem(400, '_action: write what to do')
    default:
      return WRITES.includes(name) ? refuseWrite(deps, call) : NOT_HERE
  }
}

/** First versions that take the token in the body, that tell more of a session, and that end all sessions of a user. */
const SINCE = {
  tokenInBody: { major: 3, minor: 0 },
  isoTimes: { major: 4, minor: 0 },
  endingByUser: { major: 5, minor: 1 },
} as const

type Subject =
  | { readonly kind: 'subject'; readonly token: SessionToken | undefined }
  | ({ readonly kind: 'refused' } & { readonly reply: Reply })

/**
 * The token a call is about: in the path (1.x only, and never logged), the parameter, or the body (from 3.0); the caller's own where
 * none is named. Refused where the body says more than it may, or two things, and where the token may not stand: one that was passed
 * over in silence would leave the caller's own to be ended.
 */
function subjectOf({ tokensInAddresses }: SessionsDeps, call: Call, parsed: Parsed): Subject {
  if (!parsed.success) return refused(problem(400))
  const [inAddress, inBody] = [[call.address.id, call.query('tokenId')], parsed.data?.tokenId]
  const given = [...inAddress, inBody].filter((token) => token !== undefined)
  if (given.length > 1) return refused(problem(400))
  if (inBody !== undefined && !isSince(call.version, SINCE.tokenInBody)) return refused(NOT_IN_BODY)
  if (given[0] !== inBody && !tokensInAddresses) return refused(NOT_IN_ADDRESS)
  return { kind: 'subject', token: (given[0] ?? call.tokens.caller) as SessionToken | undefined }
}

interface Parsed {
  readonly success: boolean
  readonly data?: { readonly tokenId?: string | undefined } | undefined
}

function refused(reply: Reply): Extract<Subject, { kind: 'refused' }> {
  return { kind: 'refused', reply }
}

const NOT_IN_BODY = problem(400, 'a token in the body is read from resource=3.0 on')
const NOT_IN_ADDRESS = problem(
  400,
  'a token must not stand in the address here: send it in the body, from resource=3.0 on',
)

async function validate(deps: SessionsDeps, call: Call): Promise<Reply> {
  const subject = subjectOf(deps, call, body.safeParse(call.body))
  if (subject.kind === 'refused') return subject.reply
  const agent = await validatedAgent(deps, call, subject.token)
  const session = agent === undefined ? await validated(deps, call, subject.token) : undefined
  if (session !== undefined && call.query('refresh') !== 'false') deps.sessions.touch(session)
  const found = agent === undefined ? session : { ...agent, username: facts.agentId(agent) }
  if (found === undefined) return ok({ valid: false })
  const { sid, username: uid, realm } = found
  return ok({ valid: true, ...(isSince(call.version, SINCE.isoTimes) ? { sessionUid: sid } : {}), uid, realm })
}

/**
 * An agent asks about its own token as about any other, and need not say that it is its own. Whoever calls as somebody else asks about people:
 * no agent's token is one's. Nor is its name, where an application validates whatever cookie it is brought.
 */
async function validatedAgent(
  deps: SessionsDeps,
  { tokens }: Call,
  token: SessionToken | undefined,
): Promise<AgentSession | undefined> {
  return tokens.caller === undefined || tokens.caller === token ? callingAgent(deps, token) : undefined
}

/** An agent that says which one it is hears of its realm alone. */
async function validated(
  deps: SessionsDeps,
  { tokens, origin }: Call,
  token: SessionToken | undefined,
): Promise<Session | undefined> {
  const caller = tokens.caller === token ? undefined : await callingAgent(deps, tokens.caller)
  if (caller !== undefined) return sessionFor(deps, caller, token)
  const session = await sessionOf(deps, token)
  // Without a word who asks it is an agent's question, and to an agent whoever has a session has signed in.
  if (session !== undefined) return tokens.caller === undefined && isAnonymous(session) ? undefined : session
  return token === undefined ? undefined : heldByAgent(deps, token, origin.clientIp ?? '')
}

/** Whoever has the token may end it. The browser forgets its cookie when that was it. */
async function logout(deps: SessionsDeps, call: Call): Promise<Reply> {
  const subject = subjectOf(deps, call, body.safeParse(call.body))
  if (subject.kind === 'refused') return subject.reply
  const { token } = subject
  const session = await sessionOf(deps, token)
  const ended =
    session === undefined
      ? token !== undefined && (await deps.agents.sessions.end(token, call.origin))
      : await deps.sessions.end(session.sid, 'logout', call.origin)
  const reply = ok({ result: ended ? 'Successfully logged out' : 'Token has expired' })
  return token !== undefined && token === call.tokens.cookie ? { ...reply, forgetCookie: true } : reply
}

async function answer(deps: SessionsDeps, call: Call, question: Question): Promise<Reply> {
  const subject = subjectOf(deps, call, body.safeParse(call.body))
  if (subject.kind === 'refused') return subject.reply
  const found = await readable(deps, call, subject.token)
  if (found.kind === 'refused') return found.over && question.over !== undefined ? ok(question.over) : found.reply
  const { session } = found
  const isUse = question.uses === 'always' || (question.uses === 'asked' && call.query('refresh') === 'true')
  if (isUse) deps.sessions.touch(session)
  return ok(question.answer(session, deps.clock(), call.version))
}

type Readable =
  | { readonly kind: 'session'; readonly session: Session }
  /** `over`: the caller is somebody, but there is no such session. */
  | { readonly kind: 'refused'; readonly reply: Reply; readonly over: boolean }

/** The session, where the caller owns it, administers its realm, or is an agent of its realm. Who shows nothing but the token itself owns it. */
async function readable(deps: SessionsDeps, call: Call, token: SessionToken | undefined): Promise<Readable> {
  const callerToken = call.tokens.caller ?? token
  const caller = await sessionOf(deps, callerToken)
  if (caller === undefined) return readableByAgent(deps, callerToken, token)
  const session = token === callerToken ? caller : await sessionOf(deps, token)
  if (session === undefined) return { kind: 'refused', reply: FORBIDDEN, over: true }
  const allowed = await permission(deps, caller, session)
  if (allowed !== 'own') {
    const { realm, username, sid } = session
    const outcome = allowed === 'none' ? 'refused' : 'done'
    auditCall(deps, call, { caller, action: 'read', outcome, target: { realm, username, sid } })
  }
  return allowed === 'none' ? { kind: 'refused', reply: FORBIDDEN, over: false } : { kind: 'session', session }
}

/** One answer for what is over and for what is another realm's. */
async function readableByAgent(
  deps: SessionsDeps,
  callerToken: SessionToken | undefined,
  token: SessionToken | undefined,
): Promise<Readable> {
  const agent = await callingAgent(deps, callerToken)
  if (agent === undefined) return { kind: 'refused', reply: UNAUTHORIZED, over: false }
  const session = await sessionFor(deps, agent, token)
  return session === undefined ? { kind: 'refused', reply: FORBIDDEN, over: true } : { kind: 'session', session }
}

/** After it was used. */
function refreshed(session: Session, now: EpochMs): object {
  return { ...facts.timesOf(session, now), idletime: 0 }
}

/** Before 4.0 it was the times alone, in seconds and minutes. */
function infoFor(session: Session, now: EpochMs, version: ApiVersion): object {
  return isSince(version, SINCE.isoTimes) ? facts.infoOf(session) : facts.timesOf(session, now)
}

async function getProperty(deps: SessionsDeps, call: Call): Promise<Reply> {
  const parsed = named.safeParse(call.body)
  const subject = subjectOf(deps, call, parsed)
  if (subject.kind === 'refused') return subject.reply
  const found = await readable(deps, call, subject.token)
  if (found.kind === 'refused') return found.reply
  const wanted = new Set(parsed.data?.properties)
  return ok(Object.fromEntries(Object.entries(facts.propertiesOf(found.session)).filter(([name]) => wanted.has(name))))
}

/** Mass assignment: whatever the body names, a session says what its login proved and nothing else. */
async function refuseWrite(deps: SessionsDeps, call: Call): Promise<Reply> {
  const caller = await sessionOf(deps, call.tokens.caller)
  return caller === undefined ? UNAUTHORIZED : problem(403, 'the properties of a session cannot be set')
}
