import type { Clock } from '../../base/clock.ts'
import { GatehouseError } from '../../errors.ts'
import { UnprovedAbsence } from '../unproved-absence.ts'
import { isMisplaced, replyCode, unavailable } from './faults.ts'
import type { Group, GroupTable } from './groups.ts'
import type { PrimaryNode } from './node.ts'
import type { Script } from './scripts/script.ts'
import type { Topology } from './topology.ts'

export type Arg = string | number

/** Runs scripts where their group lives. Everything rejects with GH_STORE_UNAVAILABLE or GH_BUSY. */
export interface Executor {
  /** Reads one thing. `null`, which says that there is none, is an answer of the primary for sure; rejects with UnprovedAbsence otherwise. */
  find(script: Script, group: Group, ...args: readonly Arg[]): Promise<unknown>
  /** Reads what there is of something, of the primary for sure: a list may lack as much as it likes. */
  all(script: Script, group: Group, ...args: readonly Arg[]): Promise<unknown>
  /** Other readings, and writes that may be lost in a fail-over. */
  run(script: Script, group: Group, ...args: readonly Arg[]): Promise<unknown>
  /** Writes that are safe when this settles. */
  write(script: Script, group: Group, ...args: readonly Arg[]): Promise<unknown>
}

export interface ExecutorDeps {
  readonly topology: Topology
  readonly table: GroupTable
  /** Instead of the server's time; for tests. */
  readonly timeSource: Clock | undefined
}

/** A slot that has moved is asked for where it is now. */
function unproved(error: unknown): never {
  throw replyCode(error) === 'MOVED' ? error : new UnprovedAbsence(error)
}

export function createExecutor({ topology, table, timeSource }: ExecutorDeps): Executor {
  type Way = (node: PrimaryNode, script: Script, base: string, args: readonly string[]) => Promise<unknown>

  /** `MOVED` says that nothing was done, so it is done once more where the slot is now. */
  async function perform(way: Way, script: Script, group: Group, args: readonly Arg[]): Promise<unknown> {
    const base = table.bases[group] ?? ''
    const words = [timeSource === undefined ? '' : String(timeSource()), ...args.map(String)]
    try {
      return await way(topology.nodeOf(group), script, base, words)
    } catch (error) {
      if (isMisplaced(error)) {
        await topology.refresh()
        if (replyCode(error) === 'MOVED') return way(topology.nodeOf(group), script, base, words)
      } else if (!(error instanceof GatehouseError)) void topology.refresh()
      throw error
    }
  }

  async function orUnavailable(reply: Promise<unknown>): Promise<unknown> {
    try {
      return await reply
    } catch (error) {
      throw error instanceof GatehouseError ? error : unavailable(error)
    }
  }

  const run: Way = (node, script, base, args) => node.run(script, base, args)
  const find: Way = async (node, script, base, args) => {
    const reply = await node.run(script, base, args)
    if (reply === null) await node.prove(base).catch(unproved)
    return reply
  }
  const all: Way = async (node, script, base, args) => {
    const reply = await node.run(script, base, args)
    await node.prove(base)
    return reply
  }
  const write: Way = (node, script, base, args) => node.write(script, base, args)
  return {
    find: (script, group, ...args) => orUnavailable(perform(find, script, group, args)),
    all: (script, group, ...args) => orUnavailable(perform(all, script, group, args)),
    run: (script, group, ...args) => orUnavailable(perform(run, script, group, args)),
    write: (script, group, ...args) => orUnavailable(perform(write, script, group, args)),
  }
}
