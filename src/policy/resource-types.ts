import { splitPattern, type PatternParts } from './pattern-parts.ts'
import { foldCase } from './spelling.ts'
import { compileWildcard } from './wildcard.ts'

interface ResourceType {
  readonly name: string
  readonly patterns: readonly string[]
  readonly actions: readonly string[]
}

interface Policy {
  readonly policySet: string
  readonly resourceType?: string | undefined
  readonly resources: readonly string[]
  readonly actions: Readonly<Record<string, unknown>>
}

/** What a file of policies says of types. */
interface Typed {
  readonly policySets: readonly { readonly name: string; readonly resourceTypes?: readonly string[] | undefined }[]
  readonly resourceTypes: readonly ResourceType[]
  readonly policies: readonly Policy[]
}

export interface TypeProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** What is wrong with the resource types and policy sets that are named in a file of policies. */
export function typeProblems({ policySets, resourceTypes, policies }: Typed): readonly TypeProblem[] {
  const types = new Map(resourceTypes.map((type) => [type.name, type]))
  const sets = new Map(policySets.map((set) => [set.name, set]))
  return [
    ...repeated(policySets, 'policySets'),
    ...repeated(resourceTypes, 'resourceTypes'),
    ...policySets.flatMap((set, at) =>
      (set.resourceTypes ?? []).flatMap((name, i) =>
        types.has(name) ? [] : [unknownType(['policySets', at, 'resourceTypes', i], name)],
      ),
    ),
    ...policies.flatMap((policy, at) => {
      const path = ['policies', at]
      const allowed = sets.get(policy.policySet)?.resourceTypes
      const { resourceType: name } = policy
      if (name === undefined)
        return allowed === undefined
          ? []
          : [{ path, message: `policies of ${policy.policySet} name a resourceType: ${allowed.join(' or ')}` }]
      const type = types.get(name)
      if (type === undefined) return [unknownType([...path, 'resourceType'], name)]
      if (allowed?.includes(name) === false) {
        const message = `policies of ${policy.policySet} are of type ${allowed.join(' or ')}`
        return [{ path: [...path, 'resourceType'], message }]
      }
      return beyondType(policy, type, path)
    }),
  ]
}

function repeated(list: readonly { readonly name: string }[], key: string): readonly TypeProblem[] {
  const names = list.map(({ name }) => name)
  return names.flatMap((name, at) =>
    names.indexOf(name) === at ? [] : [{ path: [key, at, 'name'], message: `"${name}" is there already` }],
  )
}

function unknownType(path: TypeProblem['path'], name: string): TypeProblem {
  return { path, message: `there is no resource type "${name}"; add it to resourceTypes` }
}

function beyondType(policy: Policy, type: ResourceType, path: TypeProblem['path']): readonly TypeProblem[] {
  const actions = new Set(type.actions.map((name) => name.toUpperCase()))
  const covers = type.patterns.map(coverer)
  return [
    ...Object.keys(policy.actions)
      .filter((name) => !actions.has(name.toUpperCase()))
      .map((name) => ({
        path: [...path, 'actions', name],
        message: `resource type "${type.name}" has no such action`,
      })),
    ...policy.resources.flatMap((text, at) => {
      const split = splitPattern(text)
      if (split.kind === 'problem' || covers.some((cover) => cover(split.parts))) return []
      return [{ path: [...path, 'resources', at], message: `no pattern of resource type "${type.name}" covers it` }]
    }),
  ]
}

/** Whether one pattern covers another: a wildcard covers the wildcards of the other as the characters that they are. */
function coverer(text: string): (parts: PatternParts) => boolean {
  const split = splitPattern(text)
  if (split.kind === 'problem') return () => false
  const { scheme, host, port = '*', path, query } = split.parts
  const matchers = [scheme, host, port, path, query ?? ''].map((part) => compileWildcard(part, foldCase))
  return (other) =>
    (query === undefined) === (other.query === undefined) &&
    [other.scheme, other.host, other.port ?? '*', other.path, other.query ?? ''].every((part, i) =>
      matchers[i]?.(foldCase(part)),
    )
}
