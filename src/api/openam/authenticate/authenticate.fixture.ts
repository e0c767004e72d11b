import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createGotoCheck } from '../../../authn/goto.ts'
import { createBench, CUSTOMERS, EMPLOYEES, type BenchOptions } from '../../../authn/login.fixture.ts'
import { loginCookies } from '../../../authn/login-cookies.ts'
import type { EpochMs } from '../../../base/brand.ts'
import { createPresentedReader } from '../../../http/presented.ts'
import { createLoginHost, ORIGIN, type Answer, type Call } from '../../login-host.fixture.ts'
import { createAuthenticate, type AuthenticateDeps } from './authenticate.ts'
import type { Speak } from './speech.ts'
import { zeroPageSchema } from './zero-page.schema.ts'

export const AT = '/json/realms/root/realms/employees/authenticate'
export const APP = 'https://app.acme.example'

export interface Wire {
  readonly authId: string
  readonly template: string
  readonly stage: string
  readonly header: string
  readonly callbacks: readonly {
    readonly type: string
    readonly output: readonly { readonly name: string; readonly value: unknown }[]
    readonly input?: readonly { readonly name: string; readonly value: unknown }[]
    readonly _id: number
  }[]
}

/** Says which message it would say. */
const speak: Speak = ({ locale, acceptLanguage }) => {
  const tag = locale ?? acceptLanguage ?? 'en'
  const say = (text: string, parameters: Readonly<Record<string, string>> = {}): string =>
    [`${tag}:${text}`, ...Object.values(parameters)].join(' ')
  return { tag, say, ago: (at) => String(at) }
}

export type ClientOptions = BenchOptions &
  Partial<Pick<AuthenticateDeps, 'tokenInBody' | 'tokensInAddresses' | 'policiesOf'>> & {
    readonly zeroPage?: object
  }

/** OpenAM's login behind a real socket, on the chains of the login bench. */
export async function createClient(t: TestContext, options: ClientOptions = {}) {
  const bench = await createBench(t, options)
  const touched: string[] = []
  const cookies = loginCookies(ORIGIN, { name: 'SSOTokenID', persistent: false })
  const authenticate = createAuthenticate({
    authn: bench.programs,
    sessions: {
      resolve: (...asked) => bench.sessions.resolve(...asked),
      touch: ({ sid }) => void touched.push(sid),
    },
    ...{ sealer: bench.sealer, cookies, speak },
    presentedBy: createPresentedReader([], undefined),
    checkGoto: createGotoCheck({
      loginOrigin: ORIGIN,
      origins: new Map([
        [EMPLOYEES, [APP]],
        [CUSTOMERS, []],
      ]),
    }),
    zeroPageRules: () => zeroPageSchema.parse(options.zeroPage),
    policiesOf: options.policiesOf ?? (() => undefined),
    titleOf: (realm) => `title of ${realm}`,
    tokensInAddresses: options.tokensInAddresses ?? true,
    tokenInBody: options.tokenInBody ?? true,
    audit: { record: (event) => void bench.audited.push(event) },
    clock: () => bench.time.now as EpochMs,
  })
  const host = await createLoginHost(t, { authenticate })
  const post = (path: string, call: Call = {}): Promise<Answer> =>
    host.call(path, { ...call, headers: { 'accept-api-version': 'resource=2.1', ...call.headers } })
  const begin = async (query = '', call: Call = {}): Promise<Wire> => stepOf(await post(AT + query, call))
  return { ...bench, touched, post, begin }
}

export function stepOf({ status, body }: Answer): Wire {
  assert.equal(status, 200, JSON.stringify(body))
  assert.ok((body as Partial<Wire>).authId, 'a step')
  return body as Wire
}

/** The step as its client sends it back: `values` by the names of the inputs, what is left out as it came. */
export function filled(step: Wire, values: Readonly<Record<string, unknown>>): object {
  const callbacks = step.callbacks.map((callback) => ({
    ...callback,
    input: callback.input?.map(({ name, value }) => ({
      name,
      value: Object.hasOwn(values, name) ? values[name] : value,
    })),
  }))
  return { ...step, callbacks, status: 200, ok: true }
}

export function password(step: Wire, username: string, secret = username): object {
  return filled(step, { IDToken1: username, IDToken2: secret })
}

/** The value of the cookie that an answer sets. */
export function cookieOf({ headers }: Answer, name: string): string | undefined {
  const found = (headers['set-cookie'] ?? []).find((each) => each.startsWith(`${name}=`))
  return found?.slice(name.length + 1).split(';', 1)[0]
}
