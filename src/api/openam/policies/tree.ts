import type { Resource } from '../../../policy/decision.ts'
import { splitPattern } from '../../../policy/pattern-parts.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import { foldCase } from '../../../policy/spelling.ts'
import { compileWildcard } from '../../../policy/wildcard.ts'

/**
 * What active policies of the set write below a resource, wildcards and all, as resources of its host. OpenAM's agents hold those
 * against the addresses that they meet.
 */
export function resourcesBelow(
  root: Resource,
  policies: readonly PolicyConfig[],
  policySet: string,
): readonly Resource[] {
  const found = new Map<string, Resource>()
  for (const policy of policies) {
    if (!policy.active || policy.policySet !== policySet) continue
    for (const text of policy.resources) {
      const resource = below(root, text)
      if (resource !== undefined) found.set(JSON.stringify([resource.path, resource.query]), resource)
    }
  }
  return [...found.values()]
}

function below(root: Resource, text: string): Resource | undefined {
  const split = splitPattern(text)
  if (split.kind === 'problem') return undefined
  const { scheme, host, port, path, query } = split.parts
  const standard = scheme.includes('*') ? '*' : foldCase(scheme) === 'https' ? '443' : '80'
  const isHere =
    compileWildcard(scheme, foldCase)(root.scheme) &&
    compileWildcard(foldCase(host), foldCase)(root.host) &&
    compileWildcard(port ?? standard, (literal) => literal)(String(root.port))
  if (!isHere || !isBelow(root, path)) return undefined
  const isRoot = path === root.path && query === root.query
  return isRoot ? undefined : { ...root, path, query }
}

function isBelow(root: Resource, path: string): boolean {
  const folder = root.path.endsWith('/') ? root.path : `${root.path}/`
  return path === root.path || path.startsWith(folder)
}
