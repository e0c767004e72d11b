import { asList } from './faults.ts'
import { ALL_GROUPS, type Group, type GroupTable } from './groups.ts'
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
  const positions = ALL_GROUPS.map(async (group): Promise<[Group, Position]> => {
    const node = topology.nodeOf(group)
    // Of the connection that is asked: an answer that comes is of that server.
    const { server } = node
    return [group, { server, id: await newestIn(node, `${table.bases[group] ?? ''}:log`) }]
  })
  return new Map(await Promise.all(positions))
}
