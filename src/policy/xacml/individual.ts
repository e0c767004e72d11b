import { CATEGORIES } from './identifiers.ts'
import type { XacmlCategory, XacmlProblem, XacmlRequest } from './request.ts'

/** Decisions of one request. */
const MOST = 200

/** Characters that may come back in all: what all questions share comes back with each of them. */
const MOST_INCLUDED = 524_288

/** What may be there several times, each of them asked about by itself. */
const MANY: readonly string[] = [CATEGORIES.Resource, CATEGORIES.Action]

/** One question: of each category at most one. */
export type IndividualRequest = readonly XacmlCategory[]

/**
 * The single questions of a request, in its order: one for each reference of `MultiRequests`, or one for each resource with each action
 * (Multiple Decision Profile 1.0 §2.3 and §2.4). Several subjects or environments are a problem, since policies here know of one.
 */
export function individualRequests(request: XacmlRequest): readonly IndividualRequest[] | XacmlProblem {
  const { references, categories } = request
  const found = references === undefined ? product(categories) : named(references, categories)
  if ('code' in found) return found
  const size = found.reduce((sum, each) => sum + includedSize(each), 0)
  return size > MOST_INCLUDED ? tooMuch() : found
}

function includedSize(request: IndividualRequest): number {
  const included = request.flatMap(({ attributes }) => attributes).filter(({ includeInResult }) => includeInResult)
  return included.reduce(
    (sum, { id, values }) => values.reduce((all, { type, text }) => all + type.length + text.length, sum + id.length),
    0,
  )
}

function named(
  references: NonNullable<XacmlRequest['references']>,
  categories: readonly XacmlCategory[],
): readonly IndividualRequest[] | XacmlProblem {
  if (references.length === 0) return problem('MultiRequests: there is no RequestReference')
  const byId = new Map<string, XacmlCategory>()
  for (const each of categories) {
    if (each.id === undefined) continue
    if (byId.has(each.id)) return problem(`two categories have the id ${each.id}`)
    byId.set(each.id, each)
  }
  if (references.length > MOST) return tooMany()
  const requests: IndividualRequest[] = []
  for (const names of references) {
    const unknown = names.find((name) => !byId.has(name))
    if (unknown !== undefined) return problem(`MultiRequests: no category has the id ${unknown}`)
    const members = names.flatMap((name) => byId.get(name) ?? [])
    if (new Set(members.map(({ category }) => category)).size < members.length)
      return problem('MultiRequests: a reference names one category twice')
    requests.push(members)
  }
  return requests
}

function product(categories: readonly XacmlCategory[]): readonly IndividualRequest[] | XacmlProblem {
  const groups = Map.groupBy(categories, ({ category }) => category)
  const repeated = [...groups].find(([category, members]) => members.length > 1 && !MANY.includes(category))
  if (repeated !== undefined) return problem(`the category ${repeated[0]} stands there twice: one of it can be judged`)
  const [resources, actions] = [groups.get(CATEGORIES.Resource) ?? [], groups.get(CATEGORIES.Action) ?? []]
  if (resources.length * actions.length > MOST) return tooMany()
  const others = categories.filter(({ category }) => !MANY.includes(category))
  return orNone(resources).flatMap((resource) => orNone(actions).map((action) => [...others, ...resource, ...action]))
}

/** What is missing is for the question to find. */
function orNone(members: readonly XacmlCategory[]): readonly (readonly XacmlCategory[])[] {
  return members.length === 0 ? [[]] : members.map((member) => [member])
}

function problem(message: string): XacmlProblem {
  return { code: 'syntax-error', message }
}

function tooMany(): XacmlProblem {
  return { code: 'processing-error', message: `more than ${MOST} decisions are asked for at once` }
}

function tooMuch(): XacmlProblem {
  return { code: 'processing-error', message: 'IncludeInResult: too much would come back with each decision' }
}
