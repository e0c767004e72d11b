import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RealmName } from '../../../base/brand.ts'
import type { Session } from '../../../session/session.ts'
import type { LoginDemand } from '../../demand.ts'
import {
  asked,
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  LOGIN_ORIGIN,
  NO_DEMAND,
  type Bench,
  type BenchOptions,
} from '../../login.fixture.ts'
import { asksSomething, type Step } from '../../step.ts'
import {
  createAuthenticator,
  type Authenticator,
  type AuthenticatorSettings,
  type Options,
} from './authenticator.fixture.ts'

export const LEVEL_2: LoginDemand = { level: 2, force: false }
export const MINUTE = 60_000

/** A realm in which a login begins with a password or a passkey, and level 2 is reached by a key. */
export function passkeys(webauthn: object = {}, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    modules: { password: { type: 'password' }, webauthn: { type: 'webauthn', ...webauthn } },
    chains: {
      default: [{ module: 'password', or: ['webauthn'], criteria: 'REQUIRED' }],
      strong: [
        { module: 'password', criteria: 'REQUISITE' },
        { module: 'webauthn', criteria: 'REQUIRED' },
      ],
    },
    ...more,
  }
}

export interface Scene extends Bench {
  readonly begin: (session?: Session, demand?: LoginDemand, realm?: RealmName) => Promise<Step>
  /** Answers in the order of the callbacks. */
  readonly answer: (step: Step, session: Session | undefined, ...answers: string[]) => Promise<Step>
  /** Answers with a key alone, whatever else the page asks. */
  readonly prove: (step: Step, session: Session | undefined, outcome: string) => Promise<Step>
  readonly choose: (step: Step, session: Session | undefined, module: string) => Promise<Step>
  readonly signIn: (username: string) => Promise<Session>
  /** Sets up a key at the step-up of a user who has none. */
  readonly enrol: (username: string, settings?: Partial<AuthenticatorSettings>) => Promise<Enrolled>
  readonly authenticator: (settings?: Partial<AuthenticatorSettings>) => Authenticator
}

export interface Enrolled {
  readonly key: Authenticator
  readonly session: Session
}

export async function scene(
  t: TestContext,
  authentication: Readonly<Record<string, unknown>> = passkeys(),
  options: BenchOptions = {},
): Promise<Scene> {
  const bench = await createBench(t, { ...options, authentication })
  const begin: Scene['begin'] = (session, demand = NO_DEMAND, realm = EMPLOYEES) =>
    bench.authn.begin({ realm, demand, destination: DESTINATION }, context(session))
  const answer: Scene['answer'] = (step, session, ...answers) => {
    const { authId, realm } = asked(step)
    return bench.authn.submit({ realm, authId, answers }, context(session))
  }
  const prove: Scene['prove'] = (step, session, outcome) => {
    const asking = asked(step).callbacks.filter(asksSomething)
    return answer(step, session, ...asking.map(({ type }) => (type === 'HiddenValueCallback' ? outcome : '')))
  }
  const choose: Scene['choose'] = (step, session, module) => {
    const { authId, realm } = asked(step)
    return bench.authn.submit({ realm, authId, answers: [], choose: module }, context(session))
  }
  const signIn: Scene['signIn'] = async (username) =>
    done(await answer(await begin(), undefined, username, username, '')).issued.session
  const authenticator: Scene['authenticator'] = (settings) => createAuthenticator({ origin: LOGIN_ORIGIN, ...settings })
  const enrol: Scene['enrol'] = async (username, settings) => {
    const session = await signIn(username)
    const page = asked(await begin(session, LEVEL_2))
    assert.ok(page.enrols)
    const key = authenticator(settings)
    return { key, session: done(await prove(page, session, key.create(optionsOf(page)))).issued.session }
  }
  return { ...bench, begin, answer, prove, choose, signIn, enrol, authenticator }
}

/** What a page gives the browser to go on. */
export function optionsOf(step: Step): Options {
  const callback = asked(step).callbacks.find((each) => each.type === 'MetadataCallback')
  assert.ok(callback?.type === 'MetadataCallback', 'the page asks for no key')
  return callback.data
}
