import { setTimeout as pause } from 'node:timers/promises'
import type { PolicyAdmin } from '../api/ports.ts'
import { randomName } from '../base/random-id.ts'
import { createPolicyWriter, type PolicyWriterDeps } from '../config/policy-writer.ts'
import { compilePolicies } from '../policy/compile.ts'
import type { RecentDecisions } from './recent-decisions.ts'
import type { Leases } from '../store/store.ts'

/** Longer than reading and checking a configuration ever takes; a process that died in between is waited for no longer. */
const LEASE_MS = 60_000
const LEASE = 'policy-files'
const PAUSE_MS = 100
/** How often it is asked for before the caller is told that somebody else writes. */
const PATIENCE = 30

/** Changes policies in the files, one process at a time of all that share the store. */
export function policyAdminOf(
  deps: Pick<PolicyWriterDeps, 'root' | 'reload' | 'inForce'> & {
    readonly leases: Leases
    readonly decisions?: Pick<RecentDecisions, 'compare'>
    readonly patience?: number
  },
): PolicyAdmin {
  const { leases, decisions, patience = PATIENCE } = deps
  const owner = randomName()
  return createPolicyWriter({
    ...deps,
    compile: ({ policies, policySets }) => compilePolicies(policies, policySets),
    ...(decisions === undefined ? {} : { compare: decisions.compare }),
    async alone(work) {
      for (let asked = 1; !(await leases.acquire(LEASE, owner, LEASE_MS)); asked++) {
        if (asked >= patience) return undefined
        await pause(PAUSE_MS)
      }
      try {
        return await work()
      } finally {
        await leases.release(LEASE, owner)
      }
    },
  })
}
