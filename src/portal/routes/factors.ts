import type { LoginDemand } from '../../authn/demand.ts'
import type { Refused, SetUpPage } from '../../authn/own-factors.ts'
import { formatCompositeAdvice } from '../../policy/composite-advice.ts'
import { accountUrl } from '../account-view.ts'
import { factorUrl, factorView, setUpUrl, setUpView } from '../factor-view.ts'
import type { Pairs } from '../frame.ts'
import { loginUrl } from '../login-request.ts'
import { answerName } from '../login-view.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { Visit } from '../visit.ts'
import { askToSignIn, signedIn, type SignedIn } from './account.ts'
import { answerError } from './errors.ts'

/** More callbacks on one page than anything that is set up asks. */
const MOST_ANSWERS = 10

/** `GET /account/factor`: one factor, to be named or removed. */
export async function showFactor(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await signedIn(parts, visit)
  if (who === undefined) {
    await askToSignIn(parts, visit, 302, visit.query('realm'))
    return
  }
  const id = visit.query('factor') ?? ''
  if (await mustProve(parts, visit, who, factorUrl(who.realm, id))) return
  const { factors } = await parts.ownFactors.holdings(who.session)
  const factor = factors.find((each) => each.id === id && !each.declared)
  if (factor === undefined) {
    leave(visit, who, 'gone')
    return
  }
  visit.used(who.session)
  const isNew = visit.query('new') !== undefined && visit.mayFollowOwnPage()
  visit.page({
    status: 200,
    template: 'factor',
    realm: who.realm,
    language: {
      action: '/account/factor',
      keep: [
        ['realm', who.realm.name],
        ['factor', id],
      ],
    },
    view: (frame) => factorView(frame, { realm: who.realm, factor, isNew, now: parts.clock() }),
  })
}

/** `POST /account/factor`: names it, or removes it. */
export async function submitFactor(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await ownForm(parts, visit)
  if (who === undefined) return
  const id = visit.field('factor') ?? ''
  const { ownFactors } = parts
  const outcome =
    visit.field('remove') === undefined
      ? await ownFactors.rename(who.session, id, visit.field('name') ?? '')
      : await ownFactors.remove(who.session, id, visit.origin)
  if (outcome.kind === 'prove-first') await prove(parts, visit, who, factorUrl(who.realm, id))
  else leave(visit, who, outcome.kind)
}

/** `GET /account/add`: begins to set up a factor. */
export async function showSetUp(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await signedIn(parts, visit)
  if (who === undefined) {
    await askToSignIn(parts, visit, 302, visit.query('realm'))
    return
  }
  const module = visit.query('module') ?? ''
  await showPage(parts, visit, { who, module, outcome: await parts.ownFactors.begin(who.session, module) })
}

/** `POST /account/add`: the answers of that page. */
export async function submitSetUp(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await ownForm(parts, visit)
  if (who === undefined) return
  const answer = { state: visit.field('authId') ?? '', answers: readAnswers(visit) }
  const outcome = await parts.ownFactors.finish(who.session, answer, visit.origin)
  if (outcome.kind === 'added') visit.redirect(303, factorUrl(who.realm, outcome.factor, [['new', '1']]))
  else await showPage(parts, visit, { who, module: visit.field('stage') ?? '', outcome })
}

interface Shown {
  readonly who: SignedIn
  readonly module: string
  readonly outcome: SetUpPage | Refused
}

async function showPage(parts: PortalParts, visit: Visit, { who, module, outcome }: Shown): Promise<void> {
  if (outcome.kind === 'prove-first') return prove(parts, visit, who, setUpUrl(who.realm, module))
  if (outcome.kind === 'gone') {
    leave(visit, who, 'gone')
    return
  }
  const { realm, session } = who
  visit.used(session)
  visit.page({
    status: outcome.kind === 'again' ? 401 : 200,
    template: 'login',
    realm,
    language: {
      action: '/account/add',
      keep: [
        ['realm', realm.name],
        ['module', outcome.module],
      ],
    },
    view: (frame) => setUpView(frame, { realm, session, page: outcome, host: new URL(parts.origin).host }),
  })
  return undefined
}

/** Who sent a form of ours; everybody else has been answered. */
export async function ownForm(parts: PortalParts, visit: Visit): Promise<SignedIn | undefined> {
  if (!visit.sameOrigin()) {
    answerError(parts, visit, { kind: 'cross-site', status: 403 })
    return undefined
  }
  const who = await signedIn(parts, visit)
  if (who === undefined) await askToSignIn(parts, visit, 303, visit.field('realm'))
  return who
}

/** What is shown before a change must not tell more than the account page does: it is proved first. */
export async function mustProve(parts: PortalParts, visit: Visit, who: SignedIn, goto: string): Promise<boolean> {
  if (await parts.ownFactors.mayChange(who.session)) return false
  await prove(parts, visit, who, goto)
  return true
}

/** To the login page, which asks for a fresh proof, and back. */
async function prove(parts: PortalParts, visit: Visit, { session, realm }: SignedIn, goto: string): Promise<void> {
  const demand = await parts.ownFactors.demandOf(session)
  visit.redirect(303, loginUrl(realm, [['goto', goto], ...demandPairs(demand)]))
}

function demandPairs({ level, maxAgeMs, force }: LoginDemand): Pairs {
  const advice = formatCompositeAdvice({
    ...(level === undefined ? {} : { AuthLevelConditionAdvice: [String(level)] }),
    ...(maxAgeMs === undefined ? {} : { AuthenticationAgeConditionAdvice: [String(Math.floor(maxAgeMs / 1_000))] }),
  })
  return [
    ['authIndexType', 'composite_advice'],
    ['authIndexValue', advice],
    ...(force ? ([['ForceAuth', 'true']] as const) : []),
  ]
}

function leave(visit: Visit, { realm }: SignedIn, outcome: 'gone' | 'renamed' | 'removed'): void {
  visit.redirect(303, accountUrl(realm, 1, [['factors', outcome]]))
}

function readAnswers(visit: Visit): readonly string[] {
  const answers: string[] = []
  for (let index = 0; index < MOST_ANSWERS; index++) {
    const answer = visit.field(answerName(index))
    if (answer === undefined) break
    answers.push(answer)
  }
  return answers
}
