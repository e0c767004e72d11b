// Loaded into a gateway's process before it starts: each decision that is enforced is written down as a log would have it, and explain is asked
// about that record, by the function that answers REST and the command line. Where it says anything else, that stands in the file
// ASKED_AGAIN_FILE; when the process ends, so does how many were compared.
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { explainAt, type SiteExplanation, type WrittenRequest } from '../src/gateway/asked-request.ts'
import type { Asker } from '../src/gateway/policy-query.ts'
import { ASSERTION_HEADER } from '../src/gateway/identity-headers.ts'
import { DECISIONS, type ToldDecision } from '../src/gateway/told-decision.ts'
import type { Decision, Facts } from '../src/policy/decision.ts'
import { isAnonymous } from '../src/session/anonymous.ts'

/** A decision in words that can be written down. */
interface DecisionRecord {
  readonly request: WrittenRequest
  readonly session: Asker['session'] | undefined
  readonly groups: readonly string[]
  readonly attributes: Facts['attributes']
  readonly at: Asker['now'] | undefined
}

const file = process.env['ASKED_AGAIN_FILE']
/** For the test of this test: explain is asked about somebody who has proved something else. */
const isWrong = process.env['ASKED_AGAIN_WRONG'] === 'yes'
const counts: Record<string, number> = {}

if (file !== undefined) {
  subscribe(DECISIONS, (message) => compare(file, message as ToldDecision))
  process.on('exit', () => appendFileSync(file, `${JSON.stringify({ compared: counts })}\n`))
}

function compare(into: string, told: ToldDecision): void {
  const record = JSON.parse(JSON.stringify(recordOf(told))) as DecisionRecord
  const explained = explainAt(told.request.site, record.request, askerOf(record))
  const [enforced, said] = [enforcedWords(told), JSON.stringify(saidWords(told, explained))]
  counts[told.verdict.kind] = (counts[told.verdict.kind] ?? 0) + 1
  if (JSON.stringify(enforced) !== said)
    appendFileSync(into, `${JSON.stringify({ enforced, said: JSON.parse(said) as unknown, record })}\n`)
}

function recordOf({ request, asker }: ToldDecision): DecisionRecord {
  const { target, method, client, approved, site, raw } = request
  const environment = Object.fromEntries(site.environment?.(raw) ?? [])
  return {
    request: { target: target.target, method, ip: client.ip, approved, environment },
    session: asker?.session,
    groups: [...(asker?.facts.groups ?? [])],
    attributes: asker?.facts.attributes ?? {},
    at: asker?.now,
  }
}

const NEVER = 0 as Asker['now']
/** For what is decided without a session, whose explanation may not look at one. */
const NOBODY = {
  ...{ realm: '/nowhere', userId: '', username: '', authLevel: 0, authModules: [], properties: {} },
  ...{ authInstant: NEVER, createdAt: NEVER },
} as unknown as Asker['session']

function askerOf({ session = NOBODY, groups, attributes, at = NEVER }: DecisionRecord): Asker {
  const asked = isWrong ? { ...session, authLevel: 10 - session.authLevel } : session
  return { session: asked, facts: { groups: new Set(groups), attributes }, now: at }
}

/** What was enforced, as far as policies have to do with it, and on which grounds. */
function enforcedWords({ verdict, asker, request }: ToldDecision): object {
  switch (verdict.kind) {
    case 'forward':
      return {
        allowed: true,
        asked: asker !== undefined && !request.site.ssoOnly,
        told: withoutAssertion(verdict.identity),
      }
    case 'step-up':
      // Who is anonymous is asked who they are, whatever it was that stood in the way.
      return asker !== undefined && isAnonymous(verdict.session)
        ? { allowed: request.site.ssoOnly, asked: !request.site.ssoOnly }
        : { allowed: false, asked: true, advices: verdict.advices }
    case 'deny': {
      const { policies, why, endsSession } = verdict
      return { allowed: false, asked: true, policies, endsSession, why }
    }
    default:
      return { allowed: false, asked: false }
  }
}

function saidWords(decided: ToldDecision, explained: SiteExplanation): object {
  const { verdict, asker } = decided
  if (explained.kind === 'refused') return { refused: explained.why }
  if (explained.kind === 'unasked')
    return { allowed: !explained.why.startsWith('method-not-allowed'), asked: false, ...toldWith(decided, undefined) }
  const { decision, trace } = explained.explanation
  const { allowed, advices, policies, endsSession } = decision
  const plain = { allowed, asked: true, ...toldWith(decided, decision.attributes) }
  if (verdict.kind === 'deny') return { ...plain, policies, endsSession, why: trace }
  const isStranger = asker !== undefined && 'session' in verdict && verdict.session && isAnonymous(verdict.session)
  return verdict.kind === 'step-up' && !isStranger ? { ...plain, advices } : plain
}

/** What the application would be told of the user, where policies say this of them. */
function toldWith({ verdict, asker, request }: ToldDecision, said: Decision['attributes']): { readonly told?: object } {
  if (verdict.kind !== 'forward') return {}
  const { session } = verdict
  if (session === undefined || asker === undefined) return { told: [] }
  return { told: withoutAssertion(request.site.identity(session, asker.facts, said)) }
}

/** Names and values in turn. An assertion that is made later is another one. */
function withoutAssertion(headers: readonly string[]): readonly string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== ASSERTION_HEADER)
}
