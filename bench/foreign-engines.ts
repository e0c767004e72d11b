import { createRequire } from 'node:module'
import type { AccessQuery } from '../src/policy/decision.ts'
import { METHODS, type Area } from './policy-workload.ts'

/** One engine with the policies of so many areas; the questions are in its own form before anything is measured. */
export interface Engine {
  readonly name: string
  /** Whether the question with this number is allowed. */
  readonly ask: (nth: number) => boolean
  /** The same from what it remembers of earlier answers, where it can remember any. */
  readonly remembered?: (nth: number) => Promise<boolean>
  /** Milliseconds until it could be asked. */
  readonly readyMs: number
}

type Build = (areas: readonly Area[], queries: readonly AccessQuery[]) => Promise<Engine>

/** Installed by bench/start.mjs. */
const foreign = createRequire(new URL('../.runtime/policy-engines/package.json', import.meta.url))

interface Casbin {
  readonly newModelFromString: (text: string) => unknown
  readonly StringAdapter: new (lines: string) => unknown
  readonly newEnforcer: (model: unknown, adapter: unknown) => Promise<Enforcer>
  readonly newCachedEnforcer: (model: unknown, adapter: unknown) => Promise<Enforcer>
}

interface Enforcer {
  addFunction(name: string, body: (...args: readonly string[]) => boolean): Promise<void>
  enforceSync(...request: readonly string[]): boolean
  enforce(...request: readonly string[]): Promise<boolean>
}

/** One line a policy, what is cheap and tells most apart first: `casbin` asks every policy, and stops at the first that allows. */
const MODEL = `
[request_definition]
r = groups, level, obj, act
[policy_definition]
p = groups, level, obj, acts
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = keyMatch(r.obj, p.obj) && named(r.act, p.acts) && meets(r.groups, p.groups) && r.level >= p.level
`

export const casbin: Build = async (areas, queries) => {
  const { newModelFromString, StringAdapter, newEnforcer, newCachedEnforcer } = foreign('casbin') as Casbin
  const lines = areas.map(
    ({ host, path, groups, level }) => `p, ${groups.join('|')}, ${level}, ${host}${path}*, ${METHODS.join('|')}`,
  )
  const began = performance.now()
  const built = async (create: Casbin['newEnforcer']): Promise<Enforcer> => {
    const enforcer = await create(newModelFromString(MODEL), new StringAdapter(lines.join('\n')))
    const meets = (some = '', others = ''): boolean => listOf(some).some((each) => listOf(others).includes(each))
    await enforcer.addFunction('meets', meets)
    await enforcer.addFunction('named', (one = '', all = '') => listOf(all).includes(one))
    return enforcer
  }
  const plain = await built(newEnforcer)
  const first = requestOf(queries[0])
  plain.enforceSync(...first)
  const readyMs = performance.now() - began
  const cached = await built(newCachedEnforcer)
  const requests = queries.map(requestOf)
  return {
    name: 'casbin',
    readyMs,
    ask: (nth) => plain.enforceSync(...(requests[nth] ?? first)),
    remembered: (nth) => cached.enforce(...(requests[nth] ?? first)),
  }
}

function requestOf(query: AccessQuery | undefined): readonly string[] {
  if (query === undefined) return []
  const { facts, session, resource, action } = query
  return [[...facts.groups].join('|'), String(session.authLevel), resource.host + resource.path, action]
}

const lists = new Map<string, readonly string[]>()

/** Lists are read once, so that it is not our functions that are measured. */
function listOf(text: string): readonly string[] {
  const known = lists.get(text) ?? text.split('|')
  lists.set(text, known)
  return known
}

interface Cedar {
  readonly preparsePolicySet: (id: string, policies: { readonly staticPolicies: string }) => { readonly type: string }
  readonly statefulIsAuthorized: (call: CedarCall) => {
    readonly type: string
    readonly response?: { readonly decision: 'allow' | 'deny'; readonly diagnostics: { readonly errors: unknown[] } }
  }
}

interface CedarCall {
  readonly principal: CedarId
  readonly action: CedarId
  readonly resource: CedarId
  readonly context: object
  readonly preparsedPolicySetId: string
  readonly entities: readonly object[]
}

interface CedarId {
  readonly type: string
  readonly id: string
}

/** Parsed once, which is what it has for being fast; the question is turned into its form by itself with every call. */
export const cedar: Build = (areas, queries) => {
  const { preparsePolicySet, statefulIsAuthorized } = foreign('@cedar-policy/cedar-wasm/nodejs') as Cedar
  const actions = METHODS.map((method) => `Action::"${method}"`).join(', ')
  const text = areas.map(({ host, path, groups, level }) => {
    const anyOf = groups.map((group) => `principal in Group::"${group}"`).join(' || ')
    const conditions = [`context.host == "${host}"`, `context.path like "${path}*"`, `(${anyOf})`]
    if (level > 0) conditions.push(`context.level >= ${level}`)
    return `permit (principal, action in [${actions}], resource) when { ${conditions.join(' && ')} };`
  })
  const id = `areas-${areas.length}`
  const began = performance.now()
  const { type } = preparsePolicySet(id, { staticPolicies: text.join('\n') })
  const readyMs = performance.now() - began
  if (type !== 'success') throw new Error('cedar-wasm does not take the policies')
  const calls = queries.map((query) => callOf(query, id))
  return Promise.resolve({
    name: 'cedar-wasm',
    readyMs,
    ask(nth) {
      const call = calls[nth]
      const { response } = call === undefined ? {} : statefulIsAuthorized(call)
      if (response === undefined || response.diagnostics.errors.length > 0) throw new Error('cedar-wasm has no answer')
      return response.decision === 'allow'
    },
  })
}

function callOf({ facts, session, resource, action }: AccessQuery, preparsedPolicySetId: string): CedarCall {
  const principal = { type: 'User', id: session.username }
  const parents = [...facts.groups].map((id) => ({ type: 'Group', id }))
  return {
    principal,
    action: { type: 'Action', id: action },
    resource: { type: 'Page', id: 'page' },
    context: { host: resource.host, path: resource.path, level: session.authLevel },
    preparsedPolicySetId,
    entities: [{ uid: principal, attrs: {}, parents }],
  }
}
