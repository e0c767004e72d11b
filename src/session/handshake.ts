import type { AgentId, EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { randomSecret } from '../base/random-id.ts'
import { fault } from '../errors.ts'
import type { SessionRecord, Store, TokenRecord } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { viewOf } from './session-view.ts'
import type { HandshakeGrant, HandshakeService, Redemption, RequestOrigin, Session } from './session.ts'
import type { StatelessSessions } from './stateless.ts'
import { openGoto, sealGoto } from './sealed-goto.ts'
import { hashSecret, isSecret, newToken, type TokenPlace } from './token.ts'

/** Codes have a namespace of their own: no other record can be redeemed as one, and no code opens a session. */
const NAMESPACE = 'handshake'
const CODE_LIFE_MS = 60_000

export interface HandshakeServiceDeps {
  readonly store: Pick<Store, 'sessions' | 'oneTime'>
  readonly clock: Clock
  readonly audit: AuditSink
  readonly place: TokenPlace
  /** For agents of sessions that browsers carry, which get a token that is carried as well. */
  readonly stateless?: StatelessSessions
}

/** What a code stands for. The store has it under the code's hash, for a minute, once. */
interface HandshakeRecord extends Omit<HandshakeGrant, 'goto'> {
  /** Readable with the code alone. */
  readonly sealedGoto: string
  readonly sid: string
  readonly gen: number
  readonly authLevel: number
  readonly authInstant: EpochMs
}

/** What one restricted token is issued for. */
type Issue = Omit<HandshakeRecord, 'agent' | 'binding' | 'sealedGoto'> & { readonly goto: string }

/** Codes carry a login to one agent and one browser: a stolen or planted one is worth nothing in another (login CSRF). */
export function createHandshakeService(deps: HandshakeServiceDeps): HandshakeService {
  return new StoredHandshakes(deps)
}

class StoredHandshakes implements HandshakeService {
  readonly #deps: HandshakeServiceDeps

  constructor(deps: HandshakeServiceDeps) {
    this.#deps = deps
  }

  readonly issue: HandshakeService['issue'] = async (session, grant) => {
    refuseForeignAudience(grant)
    const { agent, audience, goto, binding, interactive } = grant
    const { sid, gen, authLevel, authInstant } = session
    const code = randomSecret()
    const record: HandshakeRecord = {
      ...{ agent, audience, sealedGoto: sealGoto(code, goto), binding, interactive },
      ...{ sid, gen, authLevel, authInstant },
    }
    const written = await this.#deps.store.oneTime.put(
      NAMESPACE,
      hashSecret(code),
      JSON.stringify(record),
      CODE_LIFE_MS,
    )
    if (!written) throw fault('GH_INTERNAL', { detail: 'a new handshake code exists already' })
    return code
  }

  readonly redeem: HandshakeService['redeem'] = async (code, agent, binding, origin) => {
    const redemption = await this.#redeem(code, agent, binding)
    this.#record(redemption, agent, origin)
    return redemption
  }

  readonly tokenFor: HandshakeService['tokenFor'] = async (session, { agent, audience }, origin) => {
    refuseForeignAudience({ agent, audience })
    const { sid, gen, authLevel, authInstant } = session
    const found = await this.#deps.store.sessions.find(sid)
    const redemption =
      found?.gen === gen
        ? await this.#issueToken({ sid, gen, authLevel, authInstant, audience, goto: '', interactive: false }, found)
        : refused(found === undefined ? 'session-ended' : 'session-moved-on')
    this.#record(redemption, agent, origin)
    return redemption.kind === 'issued' ? redemption.token : undefined
  }

  async #redeem(code: string, agent: AgentId, binding: string | undefined): Promise<Redemption> {
    if (!isSecret(code)) return refused('unknown-code')
    const text = await this.#deps.store.oneTime.take(NAMESPACE, hashSecret(code))
    if (text === undefined) return refused('unknown-code')
    const record = JSON.parse(text) as HandshakeRecord
    if (record.agent !== agent) return refused('other-agent')
    if (record.binding !== binding) return { kind: 'other-browser', goto: openGoto(code, record.sealedGoto) }
    const session = await this.#deps.store.sessions.find(record.sid)
    if (session === undefined) return refused('session-ended')
    if (session.gen !== record.gen) return refused('session-moved-on')
    return this.#issueToken({ ...record, goto: openGoto(code, record.sealedGoto) }, session)
  }

  async #issueToken(record: Issue, session: SessionRecord): Promise<Redemption> {
    if (session.kind === 'stateless') return this.#issueCarried(record, viewOf(session, record))
    const { token, hash } = newToken(this.#deps.place, session.bucket)
    const { sid, audience, gen, authLevel, authInstant, goto, interactive } = record
    const issued: TokenRecord = { hash, sid, audience, gen, authLevel, authInstant, issuedAt: this.#deps.clock() }
    // The session may have ended since it was found: adding fails then, and a dead session gets no token.
    if (!(await this.#deps.store.sessions.addToken(issued))) return refused('session-ended')
    return { kind: 'issued', token, session: viewOf(session, issued), goto, interactive }
  }

  /** The store has no token of it: should the session have ended meanwhile, the denylist says so. */
  async #issueCarried({ audience, goto, interactive }: Issue, session: Session) {
    const { stateless } = this.#deps
    const issued = stateless?.issue(session, audience, await stateless.standingOf(session))
    if (issued === undefined) throw fault('GH_SESSION_TOO_LARGE', { detail: `no token for ${audience} can be issued` })
    return { kind: 'issued', ...issued, goto, interactive } as const
  }

  #record(redemption: Redemption, agent: AgentId, { requestId, clientIp }: RequestOrigin): void {
    const about = { at: this.#deps.clock(), requestId, clientIp, agent }
    if (redemption.kind === 'issued') {
      const { realm, username, sid } = redemption.session
      this.#deps.audit.record({ ...about, event: 'HandshakeCompleted', realm, username, sid })
      return
    }
    const reason = redemption.kind === 'refused' ? redemption.reason : redemption.kind
    this.#deps.audit.record({ ...about, event: 'HandshakeRefused', reason })
  }
}

function refused(reason: Extract<Redemption, { kind: 'refused' }>['reason']): Redemption {
  return { kind: 'refused', reason }
}

/** A restricted token for the login host, or for another agent, would undo what restricted tokens are for. */
function refuseForeignAudience({ agent, audience }: Pick<HandshakeGrant, 'agent' | 'audience'>): void {
  if (audience === `agent:${agent}` || audience.startsWith('domain:')) return
  throw fault('GH_INTERNAL', { detail: `agent ${agent} was to get a token for ${audience}` })
}
