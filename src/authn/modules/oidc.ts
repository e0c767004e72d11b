import type { JsonValue } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
import type { IdentityProvider, Recognised, Refusal } from '../../federation/oidc-rp/identity-provider.ts'
import type { AuthModuleInput, AuthModuleType, ModuleOutcome } from './module.ts'
import type { OidcConfig } from './oidc.schema.ts'

/** Nothing was answered yet: nobody asks the provider for a page that may never be left for it. */
const OFFERED = 'offered'

interface Departed {
  readonly url: string
  readonly state: string
  readonly pending: JsonValue
}

/**
 * Sends people to an OpenID provider. The page with its button asks nothing of the provider; the answer to that page is the way
 * there; what the browser brings back from there is the answer to that.
 */
export const oidcModule: AuthModuleType<OidcConfig> = {
  type: 'oidc',
  compile: (name, config, { providers, directory }) => {
    const provider = providers?.get(config.provider)
    if (provider === undefined) {
      const detail = `module ${name}: realm ${directory.realm} has no identity provider ${config.provider}`
      throw fault('GH_CONFIG_INVALID', { detail })
    }
    return {
      name,
      type: 'oidc',
      use: 'either',
      authLevel: config.authLevel,
      isMultiFactor: config.multiFactor,
      process: (input) => run(provider, config, input),
    }
  },
}

async function run(provider: IdentityProvider, config: OidcConfig, input: AuthModuleInput): Promise<ModuleOutcome> {
  const { state, answers, maxAgeMs, suggestion } = input
  const departed = departedOf(state)
  if (departed !== undefined) {
    return answers === undefined ? sendThere(departed) : judge(provider, config, { departed, answer: answers[0] ?? '' })
  }
  if (state === undefined || answers === undefined) {
    return {
      kind: 'ask',
      callbacks: [{ type: 'SelectIdPCallback', provider: provider.name, title: provider.title }],
      state: OFFERED,
    }
  }
  const departure = await provider.depart({ acr: config.acr, maxAgeMs, loginHint: suggestion })
  return departure.kind === 'refused' ? refused(departure) : sendThere(departure)
}

function sendThere({ url, state, pending }: Departed): ModuleOutcome {
  return { kind: 'ask', callbacks: [{ type: 'RedirectCallback', url, state }], state: { url, state, pending } }
}

/** `answer`: the provider by whose callback the browser came, and the query that it brought: `corp?code=…`. */
async function judge(
  provider: IdentityProvider,
  config: OidcConfig,
  { departed, answer }: { readonly departed: Departed; readonly answer: string },
): Promise<ModuleOutcome> {
  const [from, ...query] = answer.split('?')
  // The answer of one provider, brought to the login by another (mix-up).
  if (from !== provider.name) return refused({ kind: 'refused', reason: 'provider-refused' })
  const arrival = await provider.arrive(departed.pending, query.join('?'))
  return arrival.kind === 'refused' ? refused(arrival) : passed(arrival, config)
}

function passed(
  { user, properties, acr, authTime, endsAt }: Recognised,
  { authLevel, acrLevels }: OidcConfig,
): ModuleOutcome {
  const named = acr !== undefined && Object.hasOwn(acrLevels, acr) ? (acrLevels[acr] ?? 0) : 0
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

/** It was sealed by `sendThere`. */
function departedOf(state: JsonValue | undefined): Departed | undefined {
  return typeof state === 'object' && state !== null && 'pending' in state ? (state as unknown as Departed) : undefined
}
