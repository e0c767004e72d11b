import type { Log } from '../../telemetry/log.ts'
import type { PrimaryNode } from './node.ts'

export interface ServerChecks {
  /** Never rejects: a server that does not say how it is set up is not judged. */
  look(nodes: readonly PrimaryNode[]): Promise<void>
  notices(): readonly string[]
}

async function findingsOf(node: PrimaryNode): Promise<readonly string[]> {
  const [memory, persistence] = await Promise.all([node.info('memory'), node.info('persistence')])
  const policy = memory.get('maxmemory_policy')
  const isLimited = memory.get('maxmemory') !== '0'
  const findings: string[] = []
  if (isLimited && policy !== undefined && policy !== 'noeviction') {
    findings.push(`Redis throws away data when its memory is full (maxmemory-policy ${policy}): set noeviction`)
  }
  if (persistence.get('aof_enabled') === '0') {
    findings.push('Redis keeps no append-only file: a restart loses sessions and revocations. Set appendonly yes')
  }
  return findings
}

/** What makes a server lose data that it has answered for. Looked at on each new connection. */
export function createServerChecks(log: Log): ServerChecks {
  let found: readonly string[] = []
  return {
    async look(nodes) {
      try {
        const findings = [...new Set((await Promise.all(nodes.map(findingsOf))).flat())]
        for (const finding of findings) if (!found.includes(finding)) log.warn({}, finding)
        found = findings
      } catch {
        // The connection broke again; the next one looks.
      }
    },
    notices: () => found,
  }
}
