import { fault } from '../errors.ts'
import { heedingEndsOfAll, heedingWhereNothingIsAsked } from './ends-of-all.ts'
import type { BeginRequest, LoginContext, SubmitRequest } from './login-call.ts'
import { Logins, type AuthnDeps } from './logins.ts'
import type { ProgramStep, Step } from './step.ts'

/** Logins of people, on pages. Rejects with faults only. */
export interface Authn {
  begin(request: BeginRequest, context: LoginContext): Promise<Step>
  submit(request: SubmitRequest, context: LoginContext): Promise<Step>
}

/** The same logins for programs, which OpenAM's protocol answers with an end where a page would ask again. */
export interface ProgramAuthn {
  begin(request: BeginRequest, context: LoginContext): Promise<ProgramStep>
  submit(request: SubmitRequest, context: LoginContext): Promise<ProgramStep>
}

export function createAuthn(deps: AuthnDeps): Authn {
  const logins = createTellingAuthn(deps)
  return {
    begin: async (...call) => withoutPartial(await logins.begin(...call)),
    submit: async (...call) => withoutPartial(await logins.submit(...call)),
  }
}

/** The same for programs that tell what is proved so far (`partial`), also where a page keeps to itself which proof was wrong. */
export function createTellingAuthn(deps: AuthnDeps): Authn {
  const logins = heeding(deps, new Logins(deps, { endsRefused: false }))
  return {
    begin: async (...call) => forPages(await logins.begin(...call)),
    submit: async (...call) => forPages(await logins.submit(...call)),
  }
}

export function createProgramAuthn(deps: AuthnDeps): ProgramAuthn {
  const logins = heeding(deps, new Logins(deps, { endsRefused: true }))
  return {
    begin: async (...call) => withoutPartial(await logins.begin(...call)),
    submit: async (...call) => withoutPartial(await logins.submit(...call)),
  }
}

function heeding(deps: AuthnDeps, logins: Logins): ProgramAuthn {
  return {
    begin: heedingWhereNothingIsAsked(deps, (...call) => logins.begin(...call)),
    submit: heedingEndsOfAll(deps, (...call) => logins.submit(...call)),
  }
}

function forPages(step: ProgramStep): Step {
  if (step.kind === 'refused' || step.kind === 'proved') {
    throw fault('GH_INTERNAL', { detail: `a login on a page came to ${step.kind}` })
  }
  return step
}

/** Of two pages that have to look alike one would differ by it. */
function withoutPartial<S extends ProgramStep>(step: S): S {
  if (step.kind !== 'ask' || step.partial === undefined) return step
  const { partial: _partial, ...rest } = step
  return rest as S
}
