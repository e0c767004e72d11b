import type { Departure, Ending } from '../../federation/logout/departure.ts'
import { DEPARTURE_MS, passedOver } from '../../federation/logout/departures.ts'
import type { Plan, Standing } from '../../federation/logout/leaving.ts'
import type { Carried } from '../../federation/logout/logout-protocol.ts'
import { stopUnderWay, withStop } from '../../federation/logout/departure.ts'
import { clearCookie, cookieName, setCookie } from '../../http/cookies.ts'
import type { Session } from '../../session/session.ts'
import { goingView, overView, stuckView } from '../departure-view.ts'
import type { Frame } from '../frame.ts'
import { action, type MessageAction } from '../message-page.ts'
import type { PortalParts } from '../portal-parts.ts'
import { loginPath, originOf, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'

const PATH = '/leaving'
/** Looks at a page that waits for what is told from here, two seconds apart. */
const MOST_LOOKS = 5

/**
 * A session has ended; its browser is to tell those whom it was known to. Where it goes for that; `undefined` where there is nothing to
 * tell, and where the store cannot keep it: nobody stays signed in for that.
 */
export async function depart(
  parts: PortalParts,
  visit: Visit,
  session: Pick<Session, 'realm' | 'username' | 'sid'>,
  { plan, ending }: { readonly plan: Plan; readonly ending: Ending },
): Promise<string | undefined> {
  const { realm, username, sid } = session
  const isShown = ending.kind === 'page' && plan.asides.length > 0
  if (plan.stops.length === 0 && !isShown && ending.kind !== 'answer') return undefined
  try {
    const secret = await parts.leaving.begin({ realm, username, sid, ...plan, ending })
    const { secure } = parts.cookies
    visit.addCookie(setCookie(nameOf(parts), secret, { secure, maxAge: DEPARTURE_MS / 1_000 }))
    return PATH
  } catch (error) {
    parts.log.warn({ err: error, sid }, 'partners could not be told in the browser that a session has ended')
    return undefined
  }
}

/** `GET /leaving`: on to the next partner, or what has become of all of them. */
export async function showDeparture(parts: PortalParts, visit: Visit): Promise<void> {
  const secret = visit.cookie(nameOf(parts))
  const turn = secret === undefined ? undefined : await parts.leaving.turn(secret)
  if (secret === undefined || turn === undefined || turn.kind === 'nobody') {
    visit.redirect(302, '/logged-out')
    return
  }
  const { departure } = turn
  const realm = parts.realms.get(departure.realm) ?? parts.defaultRealm
  if (turn.kind === 'go') {
    showGoing(visit, realm, { standing: turn, title: turn.stop.title, carried: turn.carried })
  } else if (turn.kind === 'stuck') {
    visit.page({
      status: 200,
      template: 'departure',
      realm,
      language: { action: PATH, keep: [] },
      view: (frame) => stuckView(frame, turn, turn.stop),
    })
  } else {
    await finish(parts, visit, { secret, realm, standing: turn })
  }
}

/** `POST /leaving`: the person goes on without a partner that has not answered, or tries it again. */
export async function submitDeparture(parts: PortalParts, visit: Visit): Promise<void> {
  if (!visit.sameOrigin()) {
    answerError(parts, visit, { kind: 'cross-site', status: 403 })
    return
  }
  const secret = visit.cookie(nameOf(parts))
  const isAgain = visit.field('do') === 'again'
  if (secret !== undefined) await parts.leaving.change(secret, isAgain ? oncemore : passedOver)
  visit.redirect(303, PATH)
}

/** A provider has sent the browser back: by our own address for it, which says nothing of who it is. */
export async function isBackFromProvider(parts: PortalParts, visit: Visit, protocol: string): Promise<boolean> {
  const secret = visit.cookie(nameOf(parts))
  if (secret === undefined) return false
  let isBack = false
  await parts.leaving.change(secret, (departure) => {
    const stop = stopUnderWay(departure)
    isBack = stop !== undefined && stop.protocol === protocol
    return stop === undefined || !isBack ? departure : withStop(departure, stop, { state: 'done' })
  })
  return isBack
}

function nameOf({ cookies: { secure } }: PortalParts): string {
  return cookieName('gatehouse-leaving', { secure })
}

function oncemore(departure: Departure): Departure {
  const stop = stopUnderWay(departure)
  return stop === undefined ? departure : withStop(departure, stop, { state: 'waiting', requestId: undefined })
}

interface Going {
  /** Who else there is; nobody where absent. */
  readonly standing?: Standing
  readonly title: string
  readonly carried: Carried
}

/** On to a partner, with what the browser takes there. */
export function showGoing(visit: Visit, realm: CompiledRealm, { standing, title, carried }: Going): void {
  // As in `leaving.ts`: a policy for forms does not reach what a page goes to by itself.
  if (carried.kind === 'redirect') visit.setHeader('Refresh', `0; url=${carried.url}`)
  visit.page({
    status: 200,
    template: 'departure',
    realm,
    formTargets: carried.kind === 'post' ? [originOf(carried.url)] : [],
    view: (frame) => goingView(frame, standing, title, carried),
  })
}

interface Over {
  readonly secret: string
  readonly realm: CompiledRealm
  readonly standing: Standing
}

async function finish(parts: PortalParts, visit: Visit, over: Over): Promise<void> {
  const { secret, realm, standing } = over
  const { departure, untold } = standing
  const { ending, stops } = departure
  const answer = await parts.leaving.answer(departure)
  const isDone = stops.every(({ state }) => state === 'done')
  if (answer !== undefined || (ending.kind === 'goto' && isDone)) {
    // Once: who comes back here later is signed out, and that is all there is to say.
    await parts.leaving.end(secret)
    visit.addCookie(clearCookie(nameOf(parts), { secure: parts.cookies.secure }))
  }
  if (answer !== undefined && ending.kind === 'answer') {
    showGoing(visit, realm, { standing, title: ending.title, carried: answer })
    return
  }
  if (ending.kind === 'goto' && isDone) {
    visit.redirect(302, ending.url)
    return
  }
  // Who has signed in again meanwhile is not told that they are signed out.
  if ((await visit.session()) !== undefined) {
    visit.redirect(302, '/')
    return
  }
  const looks = Number(visit.query('looks') ?? 0)
  if (untold.size > 0 && looks < MOST_LOOKS) visit.setHeader('Refresh', `2; url=${PATH}?looks=${looks + 1}`)
  visit.page({
    status: 200,
    template: 'departure',
    realm,
    language: { action: PATH, keep: [] },
    view: (frame) => overView(frame, standing, actionsOf(frame, realm, ending)),
  })
}

function actionsOf(frame: Frame, realm: CompiledRealm, ending: Ending): readonly MessageAction[] {
  const again = action(frame, 'logged-out.again', loginPath(realm.name), ending.kind === 'goto' ? 'plain' : 'button')
  if (ending.kind === 'goto') {
    const label =
      ending.title === undefined ? frame.say('leaving.on') : frame.say('logged-out.back', { site: ending.title })
    return [{ href: ending.url, label, style: 'button', newWindow: false }, again]
  }
  const site = realm.sites.find(({ agent }) => ending.kind === 'page' && agent === ending.agent)
  if (site === undefined) return [again]
  const label = frame.say('logged-out.back', { site: site.title })
  return [again, { href: `${site.url}/`, label, style: 'plain', newWindow: false }]
}
