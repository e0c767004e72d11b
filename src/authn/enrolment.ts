import type { User } from '../identity/directory.ts'
import type { Factor } from '../identity/factors.ts'
import { fault } from '../errors.ts'
import type { Journey } from './journey.ts'
import type { AuthModuleInput, Enrolment } from './modules/module.ts'
import type { RealmAuthn } from './realm-authn.ts'
import type { Callback } from './step.ts'
import type { Turn } from './turn.ts'

export type SetUpOutcome =
  | { readonly kind: 'ask' | 'set-up-again'; readonly callbacks: readonly Callback[]; readonly state: Journey['state'] }
  | { readonly kind: 'enrolled'; readonly user: User; readonly factor: Factor }
  /** Another tab was faster: the person has one now, and proves it. */
  | { readonly kind: 'enrolled-elsewhere' }

type SetUpInput = Pick<AuthModuleInput, 'state' | 'answers'> & { readonly user: User }

/** One step of setting up: the first second factor at a login that demands one, where proving it is part of it, or what is offered. */
export async function setUp(
  { factors, factorTypes }: RealmAuthn,
  { module }: Turn,
  { user, state, answers }: SetUpInput,
): Promise<SetUpOutcome> {
  const { enrolment } = module
  if (enrolment === undefined) throw fault('GH_INTERNAL', { detail: `module ${module.name} sets nothing up` })
  if (state === undefined || answers === undefined) return page(enrolment, user, { kind: 'ask', state })
  const outcome = await enrolment.finish(user, state, answers)
  if (outcome.kind === 'again') return page(enrolment, user, { kind: 'set-up-again', state })
  if (enrolment.replaces === true) {
    const { type } = outcome.factor
    await factors.replaceAll(user.id, type, [outcome.factor])
    const factor = (await factors.list(user.id)).find((each) => each.type === type)
    return factor === undefined ? { kind: 'enrolled-elsewhere' } : { kind: 'enrolled', user, factor }
  }
  const factor = await factors.add(user.id, outcome.factor, (present) =>
    present.every(({ type }) => !factorTypes.has(type)),
  )
  return factor === undefined ? { kind: 'enrolled-elsewhere' } : { kind: 'enrolled', user, factor }
}

async function page(
  enrolment: Enrolment,
  user: User,
  { kind, state }: { readonly kind: 'ask' | 'set-up-again'; readonly state: Journey['state'] },
): Promise<SetUpOutcome> {
  const callbacks = state === undefined ? undefined : await enrolment.show(user, state)
  if (state !== undefined && callbacks !== undefined) return { kind, callbacks, state }
  return { kind, ...(await enrolment.begin(user)) }
}
