import { asList, asText, unavailable } from './faults.ts'
import { ALL_GROUPS, type Group, type GroupTable } from './groups.ts'
import type { PrimaryNode } from './node.ts'
import { toStreamEntry } from './revocation-entry.ts'
import type { Topology } from './topology.ts'

/** How far a group's log had come. Ids of one server can be compared, those of two cannot: a replica that takes over may be behind. */
export interface Position {
  /** Run id of the server whose log it is. */
  readonly server: string
  readonly id: string
}

export type Positions = ReadonlyMap<Group, Position>

interface Server {
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
}

/** Another one for each start of a server. */
export async function runIdOf(server: Server): Promise<string> {
  const [, id] = /^run_id:(\w+)/m.exec(asText(await server.call('INFO', 'server'))) ?? []
  if (id === undefined) throw unavailable(new Error('the server does not say which one it is'))
  return id
}

/** Id of the newest entry. */
export async function newestIn(server: Server, stream: string): Promise<string> {
  const reply = asList(await server.call('XREVRANGE', stream, '+', '-', 'COUNT', 1))
  return reply.length === 0 ? '0-0' : toStreamEntry(reply[0]).id
}

/** Where each group's log ends now. */
export async function readPositions({
  topology,
  table,
}: {
  readonly topology: Topology
  readonly table: GroupTable
}): Promise<Positions> {
  const runIds = new Map<PrimaryNode, Promise<string>>()
  const positions = ALL_GROUPS.map(async (group): Promise<[Group, Position]> => {
    const node = topology.nodeOf(group)
    // Asked on one connection, so both answers are of one server.
    const runId = runIds.get(node) ?? runIdOf(node)
    runIds.set(node, runId)
    const [server, id] = await Promise.all([runId, newestIn(node, `${table.bases[group] ?? ''}:log`)])
    return [group, { server, id }]
  })
  return new Map(await Promise.all(positions))
}
