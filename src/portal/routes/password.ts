import { flawMessage } from '../../authn/password-flaw.ts'
import type { OwnPasswordOutcome } from '../../authn/own-password.ts'
import type { Frame } from '../frame.ts'
import { sayDuration } from '../messages/language.ts'
import { passwordUrl, passwordView, PASSWORD_PATH } from '../password-view.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { Visit } from '../visit.ts'
import { askToSignIn, signedIn, type SignedIn } from './account.ts'
import { mustProve, ownForm } from './factors.ts'

/** `GET /account/password`: the form, or where else the password is kept. */
export async function showPassword(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await signedIn(parts, visit)
  if (who === undefined) {
    await askToSignIn(parts, visit, 302, visit.query('realm'))
    return
  }
  if (parts.ownPassword.minLengthFor(who.realm.name) === undefined) {
    showPage(parts, visit, who, { status: 200 })
    return
  }
  if (await mustProve(parts, visit, who, passwordUrl(who.realm))) return
  visit.used(who.session)
  const isChanged = visit.query('changed') !== undefined && visit.mayFollowOwnPage()
  showPage(
    parts,
    visit,
    who,
    isChanged ? { status: 200, notice: (frame) => frame.say('password.changed') } : { status: 200 },
  )
}

/** `POST /account/password`: changes it, for who knows the one there is. */
export async function submitPassword(parts: PortalParts, visit: Visit): Promise<void> {
  const who = await ownForm(parts, visit)
  if (who === undefined) return
  if (await mustProve(parts, visit, who, passwordUrl(who.realm))) return
  const [current = '', next = '', again = ''] = ['current', 'new', 'again'].map((name) => visit.field(name))
  if (next !== again) {
    showPage(parts, visit, who, { status: 400, failure: (frame) => frame.say('password.differ') })
    return
  }
  const outcome = await parts.ownPassword.change(who.session, { current, next }, visit.origin)
  if (outcome.kind === 'changed') visit.redirect(303, passwordUrl(who.realm, [['changed', '1']]))
  else if (outcome.kind === 'elsewhere') showPage(parts, visit, who, { status: 403 })
  else showPage(parts, visit, who, { status: STATUS[outcome.kind], failure: (frame) => failureText(frame, outcome) })
}

const STATUS = { wrong: 401, throttled: 429, refused: 400, stale: 409 } as const

type Failure = Exclude<OwnPasswordOutcome, { readonly kind: 'changed' | 'elsewhere' }>

function failureText(frame: Frame, outcome: Failure): string {
  switch (outcome.kind) {
    case 'throttled':
      return frame.say('failure.throttled', {
        duration: sayDuration(frame.language, Math.ceil(outcome.retryAfterMs / 1_000)),
      })
    case 'refused': {
      const { message, parameters } = flawMessage(outcome.flaw)
      return frame.say(message, parameters)
    }
    default:
      return frame.say(`password.${outcome.kind}`)
  }
}

interface Shown {
  readonly status: number
  readonly failure?: (frame: Frame) => string
  readonly notice?: (frame: Frame) => string
}

function showPage(parts: PortalParts, visit: Visit, { session, realm }: SignedIn, shown: Shown): void {
  const minLength = parts.ownPassword.minLengthFor(realm.name)
  visit.page({
    status: shown.status,
    template: 'password',
    realm,
    language: { action: PASSWORD_PATH, keep: [['realm', realm.name]] },
    view: (frame) =>
      passwordView(frame, {
        realm,
        session,
        minLength,
        failure: shown.failure?.(frame),
        notice: shown.notice?.(frame),
      }),
  })
}
