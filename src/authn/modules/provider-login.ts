import type { JsonValue } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
import type { LoginProvider, LoginWish, Recognised, Refusal } from '../../federation/login-provider.ts'
import type { AuthModule, AuthModuleDeps, AuthModuleInput, ModuleOutcome } from './module.ts'

/** Nothing was answered yet: nobody asks the provider for a page that may never be left for it. */
const OFFERED = 'offered'
/** A browser keeps what is sealed in a cookie: a longer way is made anew where it has to be shown again. */
const LONGEST_KEPT = 1_024

/** What a module says of logins by a provider, whatever the protocol. */
export interface ProviderLogin {
  readonly type: 'oidc' | 'saml'
  readonly provider: string
  readonly authLevel: number
  readonly isMultiFactor: boolean
  readonly wish: Pick<LoginWish, 'acr' | 'isPassive'>
  /** Levels by what the provider says that it has asked for. */
  readonly levels: Readonly<Record<string, number>>
}

interface Departed {
  readonly way?: { readonly url: string; readonly state: string }
  readonly pending: JsonValue
}

/**
 * Sends people to a provider. The page with its button asks nothing of the provider; the answer to that page is the way there; what
 * the browser brings back from there is the answer to that.
 */
export function providerModule(
  name: string,
  login: ProviderLogin,
  { providers, directory }: Pick<AuthModuleDeps, 'providers' | 'directory'>,
): AuthModule {
  const provider = providers?.get(login.provider)
  if (provider === undefined) {
    const detail = `module ${name}: realm ${directory.realm} has no identity provider ${login.provider}`
    throw fault('GH_CONFIG_INVALID', { detail })
  }
  return {
    name,
    type: login.type,
    use: 'either',
    authLevel: login.authLevel,
    isMultiFactor: login.isMultiFactor,
    process: (input) => run(provider, login, input),
  }
}

async function run(provider: LoginProvider, login: ProviderLogin, input: AuthModuleInput): Promise<ModuleOutcome> {
  const { state, answers } = input
  const departed = departedOf(state)
  if (departed !== undefined) {
    const answer = answers?.[0]
    if (answer !== undefined) return judge(provider, login, answer, (query) => provider.arrive(departed.pending, query))
    return departed.way === undefined
      ? send(provider, login, input)
      : { kind: 'ask', callbacks: [{ type: 'RedirectCallback', ...departed.way }], state: { ...departed } }
  }
  if (state === undefined || answers === undefined) {
    return {
      kind: 'ask',
      callbacks: [{ type: 'SelectIdPCallback', provider: provider.name, title: provider.title }],
      state: OFFERED,
    }
  }
  const [unasked = ''] = answers
  return unasked.startsWith(`${provider.name}?`)
    ? judge(provider, login, unasked, async (query) => (await provider.arriveUnasked?.(query)) ?? NOT_WANTED)
    : send(provider, login, input)
}

const NOT_WANTED: Refusal = { kind: 'refused', reason: 'provider-refused' }

async function send(provider: LoginProvider, login: ProviderLogin, input: AuthModuleInput): Promise<ModuleOutcome> {
  const { maxAgeMs, suggestion } = input
  const departure = await provider.depart({ ...login.wish, maxAgeMs, loginHint: suggestion })
  if (departure.kind === 'refused') return refused(departure)
  const { url, state, fields, pending } = departure
  const isKept = fields === undefined && url.length <= LONGEST_KEPT
  return {
    kind: 'ask',
    callbacks: [{ type: 'RedirectCallback', url, state, ...(fields === undefined ? {} : { fields }) }],
    state: isKept ? { way: { url, state }, pending } : { pending },
  }
}

/** `answer`: the provider by whose address the browser came back, and what it brought: `corp?code=…`. */
async function judge(
  provider: LoginProvider,
  login: ProviderLogin,
  answer: string,
  arrive: (query: string) => Promise<Recognised | Refusal>,
): Promise<ModuleOutcome> {
  const [from, ...query] = answer.split('?')
  // The answer of one provider, brought to the login by another (mix-up).
  if (from !== provider.name) return refused(NOT_WANTED)
  const arrival = await arrive(query.join('?'))
  return arrival.kind === 'refused' ? refused(arrival) : passed(arrival, login)
}

function passed(
  { user, properties, acr, authTime, endsAt }: Recognised,
  { authLevel, levels }: ProviderLogin,
): ModuleOutcome {
  const named = acr !== undefined && Object.hasOwn(levels, acr) ? (levels[acr] ?? 0) : 0
  return {
    kind: 'passed',
    user,
    properties,
    authLevel: Math.max(authLevel, named),
    ...(authTime === undefined ? {} : { provenAt: authTime }),
    ...(endsAt === undefined ? {} : { endsAt }),
  }
}

/** The person sees what became of it: it is no secret here, since the provider has shown it to them. */
function refused({ reason }: Refusal): ModuleOutcome {
  return { kind: 'failed', reason, username: undefined, endsLogin: true }
}

/** It was sealed by `send`. */
function departedOf(state: JsonValue | undefined): Departed | undefined {
  return typeof state === 'object' && state !== null && 'pending' in state ? (state as unknown as Departed) : undefined
}
