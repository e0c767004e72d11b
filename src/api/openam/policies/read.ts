import type { RealmName } from '../../../base/brand.ts'
import type { SessionService } from '../../../session/session.ts'
import { sessionOf, type Call } from '../call.ts'
import type { People } from '../../ports.ts'
import { FORBIDDEN, ok, problem, UNAUTHORIZED, type Reply } from '../reply.ts'
import { applicationDocuments, policyDocument, resourceTypeDocuments, type Document } from './documents.ts'
import { mayRead } from './privilege.ts'
import { revised, withTag, type Revised } from './revision.ts'
import { readFilter } from './query-filter.ts'
import type { RealmPolicies } from './realm-policies.ts'

export interface ReadDeps {
  readonly sessions: Pick<SessionService, 'resolve'>
  readonly people: People
  policiesOf(realm: RealmName): RealmPolicies | undefined
}

type Kind = 'policies' | 'applications' | 'resourcetypes'

const DOCUMENTS: Readonly<Record<Kind, (call: Call, policies: RealmPolicies) => readonly Document[]>> = {
  policies: ({ address }, { policies }) => policies.map((policy) => policyDocument(address.realm, policy)),
  applications: ({ address }, policies) => applicationDocuments(address.realm, policies),
  resourcetypes: ({ address }, policies) => resourceTypeDocuments(address.realm, policies),
}

export function isKind(resource: string): resource is Kind {
  return Object.hasOwn(DOCUMENTS, resource)
}

const PAGE = 100
const LARGEST_PAGE = 500

/** `GET …/policies`, `…/applications`, `…/resourcetypes`, with `/ID` for one: for administrators of the realm. */
export async function readPolicies(deps: ReadDeps, call: Call, kind: Kind): Promise<Reply> {
  const policies = await readable(deps, call)
  if ('status' in policies) return policies
  const all = DOCUMENTS[kind](call, policies).map(revised)
  const { id } = call.address
  if (id === undefined) return list(call, all)
  const found = all.find(({ _id }) => _id === id)
  return found === undefined ? problem(404) : withTag(ok(found), found)
}

/** What can be changed in the files alone, where it has comments and a history. */
export async function refuseWrite(deps: ReadDeps, call: Call): Promise<Reply> {
  const policies = await readable(deps, call)
  if ('status' in policies) return policies
  const { realm } = call.address
  return problem(501, `this is changed in the file realms${realm === '/' ? '' : realm}/policies.yaml, not here`)
}

async function readable(deps: ReadDeps, call: Call): Promise<RealmPolicies | Reply> {
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const { realm } = call.address
  return ((await mayRead(deps.people, caller, realm)) ? deps.policiesOf(realm) : undefined) ?? FORBIDDEN
}

function list(call: Call, all: readonly Revised[]): Reply {
  const matches = readFilter(call.query('_queryFilter') ?? 'true')
  const size = call.query('_pageSize') ?? String(PAGE)
  const offset = call.query('_pagedResultsOffset') ?? '0'
  if (matches === undefined) return problem(400, '_queryFilter: write true, or FIELD eq "TEXT" (co, sw), joined by and')
  if (!/^[1-9]\d{0,5}$/.test(size) || !/^\d{1,6}$/.test(offset)) return problem(400, '_pageSize, _pagedResultsOffset')
  const found = all.filter(matches)
  const end = Number(offset) + Math.min(Number(size), LARGEST_PAGE)
  const result = found.slice(Number(offset), end)
  return ok({
    result,
    resultCount: result.length,
    pagedResultsCookie: null,
    totalPagedResultsPolicy: 'EXACT',
    totalPagedResults: found.length,
    remainingPagedResults: Math.max(0, found.length - end),
  })
}
