import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { rememberRecent } from '../base/recent.ts'
import { fault } from '../errors.ts'
import { bearerOf } from '../http/presented.ts'
import { policyFor } from './auth-policies.ts'
import type { TokenJudge } from './modules/module.ts'
import type { RealmAuthn } from './realm-authn.ts'

/**
 * How long a token that was found good is believed without looking again, and never longer than it lives. Its signature costs a tenth
 * of a millisecond, so that once a minute is as good as never; but its signer may withdraw the key, and its user be given another id.
 */
const BELIEVED_MS = 60_000
const LONGEST_REMEMBERED = 4_096

type Fault = 'token-missing' | 'token-expired' | 'token-refused'

interface Demand {
  readonly issuers: readonly string[]
  faultOf(
    authorization: string | undefined,
    session: { readonly userId: string },
  ): Fault | undefined | Promise<Fault | undefined>
}

/** The tokens that authentication policies of one realm demand with every request (`everyRequest`), for the gateway to ask about. */
export interface RequestTokens {
  demandOn(session: { readonly username: string }, facts: { readonly groups: ReadonlySet<string> }): Demand | undefined
  carries(authorization: string): boolean
}

/** `undefined` where no policy of the realm demands any. */
export function requestTokensOf(
  { modules, policies }: Pick<RealmAuthn, 'modules' | 'policies'>,
  { clock, maxEntries }: { readonly clock: Clock; readonly maxEntries: number },
): RequestTokens | undefined {
  const names = new Set(policies.flatMap(({ everyRequest = [] }) => everyRequest))
  if (names.size === 0) return undefined
  const judges = new Map([...names].map((name) => [name, judgeOf(modules, name)]))
  const demands = new Map([...judges].map(([name, judge]) => [name, new TokenCheck(judge, { clock, maxEntries })]))
  const signers = [...judges.values()].flatMap((judge) => judge.signers)
  // What is known of a person is one object until it changes: their policy is looked up once for each.
  const known = new WeakMap<object, { readonly demand: Demand | undefined }>()
  return {
    demandOn({ username }, facts) {
      const found = known.get(facts)
      if (found !== undefined) return found.demand
      const demand = demands.get(policyFor(policies, { username, groups: facts.groups })?.everyRequest ?? '')
      known.set(facts, { demand })
      return demand
    },
    carries: rememberRecent((value) => mentions(value, signers), { maxEntries, maxLength: LONGEST_REMEMBERED }),
  }
}

function judgeOf(modules: RealmAuthn['modules'], name: string): TokenJudge {
  const tokens = modules.get(name)?.tokens
  if (tokens === undefined) throw fault('GH_CONFIG_INVALID', { detail: `module ${name} judges no tokens` })
  return tokens
}

interface Believed {
  readonly userId: string
  readonly from: number
  readonly until: number
}

class TokenCheck implements Demand {
  readonly issuers: readonly string[]
  readonly #judge: TokenJudge
  readonly #clock: Clock
  /** Only what is good is kept: what anybody invents costs its sender the time and nobody memory. */
  readonly #believed: LRUCache<string, Believed>

  constructor(judge: TokenJudge, { clock, maxEntries }: { readonly clock: Clock; readonly maxEntries: number }) {
    this.issuers = judge.signers.map(({ issuer }) => issuer)
    this.#judge = judge
    this.#clock = clock
    this.#believed = new LRUCache({ max: maxEntries })
  }

  faultOf(authorization: string | undefined, session: { readonly userId: string }): ReturnType<Demand['faultOf']> {
    const token = bearerOf(authorization)
    if (token === undefined) return 'token-missing'
    const now = this.#clock()
    const found = this.#believed.get(token)
    if (found === undefined || now < found.from || now >= found.until) return this.#judged(token, now, session)
    return found.userId === session.userId ? undefined : 'token-refused'
  }

  async #judged(token: string, now: number, { userId }: { readonly userId: string }): Promise<Fault | undefined> {
    const judged = await this.#judge.judge(token)
    if (judged === 'token-keys-unavailable') {
      throw fault('GH_KEYS_UNAVAILABLE', { detail: 'the keys of a signer of tokens cannot be had' })
    }
    if (typeof judged === 'string') return judged === 'token-expired' ? judged : 'token-refused'
    const until = Math.min(judged.until, now + BELIEVED_MS)
    this.#believed.set(token, { userId: judged.user.id, from: now, until })
    return judged.user.id === userId ? undefined : 'token-refused'
  }
}

/** Each costs a parse that may fail, and no client sends more. */
const MOST_TOKENS = 8

/**
 * Whether a token in the value, however it is put there, reads as one of a signer for us. No signature is looked at: what pretends is
 * kept back as well.
 */
function mentions(value: string, signers: TokenJudge['signers']): boolean {
  // From the start of a word only: tried at each of its letters, a long word would take the square of its length.
  const payloads = [...value.matchAll(/(?<![\w-])[\w-]+\.([\w-]+)\.[\w-]/g)].map(([, payload = '']) => payload)
  return payloads.length > MOST_TOKENS || payloads.some((payload) => isForUs(payload, signers))
}

function isForUs(payload: string, signers: TokenJudge['signers']): boolean {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null) return false
    const { iss, aud } = claims as { readonly iss?: unknown; readonly aud?: unknown }
    const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
    return signers.some(({ issuer, audience }) => iss === issuer && audiences.includes(audience))
  } catch {
    // Not JSON: nobody's claims.
    return false
  }
}
