import type { AgentId, RealmName } from '../base/brand.ts'
import { createAgentSessions, type AgentSessionsDeps, type KnownAgent } from '../session/agent-sessions.ts'
import { FROM, type Process } from '../session/processes.fixture.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { Agents } from './openam/agents.ts'

const REALMS = { legacy: '/employees', other: '/customers' } as const

export type AgentName = keyof typeof REALMS

const KNOWN = new Map(
  (Object.keys(REALMS) as AgentName[]).map((id): [AgentId, KnownAgent] => [
    id as AgentId,
    { id: id as AgentId, realm: REALMS[id] as RealmName, stamp: id },
  ]),
)

/** Where no agent is. */
export const ELSEWHERE = '203.0.113.7'

/** Two of OpenAM's agents, each at a site of its own realm. */
export function createAgents(
  process: Pick<Process, 'store' | 'handshakes'>,
  deps: Pick<AgentSessionsDeps, 'audit' | 'clock'>,
) {
  const place = { siteId: '01', serverId: '02' }
  const sessions = createAgentSessions({ ...deps, store: process.store, agents: KNOWN, place })
  const agents: Agents = {
    sessions,
    siteOf: (agent) =>
      KNOWN.has(agent)
        ? { agent, url: `http://${agent}.acme.test`, audience: `agent:${agent}`, notified: agent === 'legacy' }
        : undefined,
    audiencesAt: (address) => (address === ELSEWHERE ? [] : ['agent:legacy', 'agent:other']),
    cookie: undefined,
  }
  return {
    agents,
    signInAgent: async (name: AgentName): Promise<SessionToken> => {
      const known = KNOWN.get(name as AgentId)
      if (known === undefined) throw new TypeError(`${name} is no agent`)
      return (await sessions.start(known, FROM)).token
    },
    /** The token that a person's browser brings to the agent's site. */
    tokenAt: async (name: AgentName | 'app', session: Session): Promise<SessionToken> => {
      const agent = name as AgentId
      const grant = {
        agent,
        audience: `agent:${name}`,
        goto: 'http://x.test/',
        binding: 'b',
        interactive: true,
      } as const
      const redeemed = await process.handshakes.redeem(await process.handshakes.issue(session, grant), agent, 'b', FROM)
      if (redeemed.kind !== 'issued') throw new TypeError(redeemed.kind)
      return redeemed.token
    },
  }
}
