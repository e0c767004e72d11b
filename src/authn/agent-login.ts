import { X509Certificate } from 'node:crypto'
import type { AgentId, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { sha256 } from '../crypto/sha256.ts'
import { createAddressSet } from '../http/forwarded.ts'
import type { Presented } from '../http/presented.ts'
import type { PasswordVerifier } from '../identity/file-directory.ts'
import type { Throttle } from '../identity/throttle.ts'
import type { AgentSession, AgentSessions, KnownAgent } from '../session/agent-sessions.ts'
import type { RequestOrigin, SessionToken } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { judgeSecret } from './modules/party-secret.ts'

/** What a profile gives an agent to prove itself with. */
export interface AgentCredentials {
  readonly id: AgentId
  readonly realm: RealmName
  /** argon2id hash. */
  readonly secret?: string | undefined
  /** PEM. */
  readonly certificates?: readonly string[] | undefined
  readonly networks?: readonly string[] | undefined
}

interface Pinned {
  readonly agent: AgentId
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly until: number
}

interface Registered extends KnownAgent {
  readonly secret: string | undefined
  readonly mayCallFrom: (address: string) => boolean
}

/** The agents of one configuration that can sign in. */
export interface AgentRegister {
  readonly agents: ReadonlyMap<AgentId, Registered>
  /** By SHA-256 of the DER. */
  readonly certificates: ReadonlyMap<string, Pinned>
}

/** A certificate of two agents is the one's that is named first; `check` refuses that. */
export function registerAgents(all: readonly AgentCredentials[]): AgentRegister {
  const agents = new Map<AgentId, Registered>()
  const certificates = new Map<string, Pinned>()
  for (const { id, realm, secret, certificates: pems = [], networks } of all) {
    const addresses = networks && createAddressSet(networks)
    const stamp = sha256(JSON.stringify([secret ?? null, pems]))
    const mayCallFrom = (address: string): boolean => addresses === undefined || addresses.has(address)
    agents.set(id, { id, realm, stamp, secret, mayCallFrom })
    for (const pem of pems) {
      const { raw, validFromDate, validToDate } = new X509Certificate(pem)
      const pinned = { agent: id, from: validFromDate.getTime(), until: validToDate.getTime() }
      if (!certificates.has(sha256(raw))) certificates.set(sha256(raw), pinned)
    }
  }
  return { agents, certificates }
}

export interface AgentAttempt {
  readonly realm: RealmName
  readonly name: string | undefined
  readonly secret: string | undefined
  readonly presented: Pick<Presented, 'certificate'>
  readonly origin: RequestOrigin
}

export type AgentLoginOutcome =
  | { readonly kind: 'passed'; readonly token: SessionToken; readonly session: AgentSession }
  /** One and the same whatever was wrong. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }

export interface AgentLogin {
  /** Whether an agent of the realm that signs in by a secret has this name: such a name is no person's where nobody says which is meant. */
  isAgent(realm: RealmName, name: string): boolean
  login(attempt: AgentAttempt): Promise<AgentLoginOutcome>
}

export interface AgentLoginDeps {
  readonly register: AgentRegister
  readonly sessions: Pick<AgentSessions, 'start'>
  /** Of the realm; `undefined` where there is no such realm. */
  readonly throttleOf: (realm: RealmName) => Throttle | undefined
  readonly hasher: PasswordVerifier
  readonly audit: AuditSink
  readonly clock: Clock
}

/** OpenAM's module `Application`: an agent proves which one it is, by its secret or by a certificate of its own. */
export function createAgentLogin(deps: AgentLoginDeps): AgentLogin {
  const { register } = deps
  return {
    isAgent: (realm, name) => {
      const agent = register.agents.get(name as AgentId)
      return agent?.realm === realm && agent.secret !== undefined
    },
    async login(attempt) {
      const judged = attempt.secret === undefined ? byCertificate(attempt, deps) : await bySecret(attempt, deps)
      if (judged.kind !== 'agent') return refuse(attempt, judged, deps)
      if (!judged.agent.mayCallFrom(attempt.origin.clientIp ?? '')) {
        return refuse(attempt, { kind: 'elsewhere', agent: judged.agent }, deps)
      }
      return { kind: 'passed', ...(await deps.sessions.start(judged.agent, attempt.origin)) }
    },
  }
}

type Judged =
  | { readonly kind: 'agent'; readonly agent: Registered }
  | { readonly kind: 'wrong-secret' | 'unknown-agent' | 'elsewhere'; readonly agent?: Registered | undefined }
  | { readonly kind: 'throttled'; readonly agent?: Registered | undefined; readonly retryAfterMs: number }

/** An unknown name, an agent of another realm and one without a secret cost what a wrong secret costs. */
async function bySecret(
  { realm, name = '', secret = '', origin }: AgentAttempt,
  { register, throttleOf, hasher }: AgentLoginDeps,
): Promise<Judged> {
  const throttle = throttleOf(realm)
  if (throttle === undefined) return { kind: 'unknown-agent' }
  const named = register.agents.get(name as AgentId)
  const agent = named?.realm === realm && named.secret !== undefined ? named : undefined
  const attempt = { kind: 'agent', name, secret, stored: agent?.secret, clientIp: origin.clientIp }
  const judged = await judgeSecret(attempt, { throttle, hasher })
  if (judged.kind === 'throttled') return { ...judged, agent }
  if (agent === undefined) return { kind: 'unknown-agent' }
  return judged.kind === 'right' ? { kind: 'agent', agent } : { kind: 'wrong-secret', agent }
}

/** Whoever shows it has proved to hold its key (TLS 1.3, RFC 8446 §4.4.3). A name beside it has to be the agent's. */
function byCertificate({ realm, name, presented }: AgentAttempt, { register, clock }: AgentLoginDeps): Judged {
  const shown = presented.certificate()
  const pinned =
    shown === undefined || shown === 'unreadable' ? undefined : register.certificates.get(sha256(shown.leaf))
  const now = clock()
  const agent = pinned !== undefined && pinned.from <= now && now <= pinned.until ? pinned.agent : undefined
  const known = agent === undefined ? undefined : register.agents.get(agent)
  const isNamed = name === undefined || name === agent
  return known?.realm === realm && isNamed ? { kind: 'agent', agent: known } : { kind: 'unknown-agent' }
}

function refuse(
  { realm, origin }: AgentAttempt,
  judged: Exclude<Judged, { kind: 'agent' }>,
  { audit, clock }: AgentLoginDeps,
): AgentLoginOutcome {
  const { requestId, clientIp } = origin
  const about = { at: clock(), requestId, clientIp, realm, agent: judged.agent?.id }
  audit.record({ ...about, event: 'AgentRefused', reason: judged.kind })
  return judged.kind === 'throttled' ? { kind: 'throttled', retryAfterMs: judged.retryAfterMs } : { kind: 'failed' }
}
