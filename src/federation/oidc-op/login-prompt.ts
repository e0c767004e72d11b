import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Session } from '../../session/session.ts'
import type { GateDemand } from '../login-gate.ts'
import type { Levels } from './levels.ts'
import type { Library } from './library.ts'
import type { PartnerGate } from './partner-gate.ts'

export interface LoginPromptDeps {
  readonly library: Library
  readonly levels: Levels
  readonly partnerGate: PartnerGate
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
}

/** When the library sends a browser to log in, and when to ask for consent: its own rules, but levels (`acr`) and policies are ours. */
export function createPolicy({ library, levels, partnerGate, sessionOf }: LoginPromptDeps) {
  const { interactionPolicy, errors } = library
  const policy = interactionPolicy.base()
  const login = policy.get('login')
  if (login === undefined) throw new TypeError('the library has no prompt for logins')
  login.checks.remove('essential_acrs')
  login.checks.remove('essential_acr')
  const hint = login.checks.get('id_token_hint')
  if (hint !== undefined) hint.details = ({ oidc }) => ({ sub: oidc.entities.IdTokenHint?.payload['sub'] })
  login.checks.add(
    new interactionPolicy.Check(
      'acr',
      'a stronger login is needed',
      'login_required',
      (ctx) => {
        const { names, essential } = wantedAcr(ctx)
        if (names.length === 0) return false
        const level = sessionOf(ctx)?.authLevel ?? -1
        if (levels.missing(names, level) !== undefined) return true
        const { session } = ctx.oidc
        const name = levels.nameOf(level, names)
        if (essential && !names.includes(name)) {
          throw new errors.UnmetAuthenticationRequirements('no login here is what the request asks for')
        }
        if (session?.accountId !== undefined && session.acr !== name) session.acr = name
        return false
      },
      (ctx) => ({ level: levels.missing(wantedAcr(ctx).names, sessionOf(ctx)?.authLevel ?? -1) }),
    ),
  )
  const description = 'a policy of the realm does not let this person in'
  login.checks.add(
    new interactionPolicy.Check('partner_denied', description, 'access_denied', async (ctx) => {
      const isDenied = (await partnerGate.verdict(ctx)).kind === 'denied'
      if (isDenied && ctx.oidc.promptPending('none')) await partnerGate.refusedSilently(ctx)
      return isDenied
    }),
  )
  login.checks.add(
    new interactionPolicy.Check(
      'partner_login',
      'a policy of the realm asks for more',
      'login_required',
      async (ctx) => (await partnerGate.verdict(ctx)).kind === 'login',
    ),
  )
  return policy
}

interface WantedAcr {
  readonly names: readonly string[]
  readonly essential: boolean
}

/** `acr_values`, or `acr` of the parameter `claims` (OIDC Core 1.0 §5.5.1.1). */
function wantedAcr({ oidc }: KoaContextWithOIDC): WantedAcr {
  const asked: unknown = oidc.claims.id_token?.['acr']
  if (typeof asked !== 'object' || asked === null) return { names: [], essential: false }
  const { values, value, essential } = asked as {
    readonly values?: unknown
    readonly value?: unknown
    readonly essential?: unknown
  }
  const names = (Array.isArray(values) ? values : [value]).filter((name): name is string => typeof name === 'string')
  return { names, essential: essential === true }
}

/** What an interaction waits for. */
export interface Awaited extends GateDemand {
  /** The one user who will do (`id_token_hint`, `claims`). */
  readonly userId?: string | undefined
}

interface Asked {
  readonly params: Readonly<Record<string, unknown>>
  readonly prompt: { readonly reasons: readonly string[]; readonly details: Readonly<Record<string, unknown>> }
}

export function awaitedBy({ params, prompt: { reasons, details } }: Asked): Awaited {
  const { level, sub } = details
  const maxAge =
    typeof params['max_age'] === 'string' || typeof params['max_age'] === 'number'
      ? Number(params['max_age'])
      : undefined
  const userId: unknown = typeof sub === 'object' && sub !== null && 'value' in sub ? sub.value : sub
  return {
    level: typeof level === 'number' ? level : undefined,
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1_000,
    force: reasons.includes('login_prompt'),
    username: typeof params['login_hint'] === 'string' ? params['login_hint'] : undefined,
    userId: typeof userId === 'string' ? userId : undefined,
  }
}

/** Whether the session is what is waited for. `since`: when the browser was sent to log in; a proof from before is none where a new one is wanted. */
export function meets(
  session: Session,
  awaited: Awaited,
  { now, since }: { readonly now: number; readonly since: number | undefined },
): boolean {
  const { level = 0, maxAgeMs, force, userId } = awaited
  const isNew = since !== undefined && session.authInstant >= since
  const isYoung = maxAgeMs === undefined || isNew || now - session.authInstant <= maxAgeMs
  return (
    session.authLevel >= level && isYoung && (!force || isNew) && (userId === undefined || session.userId === userId)
  )
}
