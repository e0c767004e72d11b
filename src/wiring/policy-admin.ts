import type { PolicyAdmin } from '../api/ports.ts'
import { randomName } from '../base/random-id.ts'
import { createPolicyWriter, type PolicyWriterDeps } from '../config/policy-writer.ts'
import { compilePolicies } from '../policy/compile.ts'
import type { Leases } from '../store/store.ts'

/** Longer than reading and checking a configuration ever takes; a process that died in between is waited for no longer. */
const LEASE_MS = 60_000
const LEASE = 'policy-files'

/** Changes policies in the files, one process at a time of all that share the store. */
export function policyAdminOf(
  deps: Pick<PolicyWriterDeps, 'root' | 'reload' | 'inForce'> & { readonly leases: Leases },
): PolicyAdmin {
  const { leases } = deps
  const owner = randomName()
  return createPolicyWriter({
    ...deps,
    compile: ({ policies, policySets }) => void compilePolicies(policies, policySets),
    async alone(work) {
      if (!(await leases.acquire(LEASE, owner, LEASE_MS))) return undefined
      try {
        return await work()
      } finally {
        await leases.release(LEASE, owner)
      }
    },
  })
}
