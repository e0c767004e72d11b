import type { Call } from './call.ts'
import { problem, type Page, type Problem } from './reply.ts'

/** How a list is asked for: a part of it, in an order, of what meets all clauses. */
export interface ListQuery {
  readonly limit: number
  readonly offset: number
  readonly sort: readonly { readonly field: string; readonly isDescending: boolean }[]
  readonly clauses: readonly Clause[]
}

type Value = string | boolean

export interface Clause {
  readonly field: string
  readonly operator: '=' | '!=' | 'contains'
  readonly value: Value
}

/** What a row is judged and sorted by. */
export type Fields = Readonly<Record<string, Value>>

const PAGE = 10
const LARGEST_PAGE = 500
const LONGEST_FILTER = 1_000

const CLAUSE = /\s*([A-Za-z.]+)\s*(=|!=|\scontains\s)\s*("(?:[^"\\]|\\["\\])*"|true|false)\s*/iy
const SORT = /^([A-Za-z.]+)(?:\s+(asc|desc))?$/i

/**
 * `limit`, `offset`, `sort` (`createdAt desc, id`) and `filter`, of whose language this much is read: `FIELD = "VALUE"`, `!=` and
 * `contains`, joined by `and`; `true` for everything.
 */
export function readListQuery(call: Pick<Call, 'query'>, fields: readonly string[]): ListQuery | Problem {
  const limit = whole(call.query('limit') ?? String(PAGE))
  const offset = whole(call.query('offset') ?? '0')
  if (limit === undefined || limit === 0 || offset === undefined) {
    return problem('INVALID_PAGINATION', 'limit is a whole number from 1, offset one from 0')
  }
  const names = `one of ${fields.join(', ')}`
  const sort = readSort(call.query('sort') ?? '', fields)
  if (sort === undefined)
    return problem('INVALID_SORT', `write FIELD asc or FIELD desc, separated by commas; FIELD is ${names}`)
  const clauses = readFilter(call.query('filter') ?? '', fields)
  if (clauses === undefined) {
    return problem('INVALID_FILTER', `write FIELD = "VALUE", != or contains, joined by and; FIELD is ${names}`)
  }
  return { limit: Math.min(limit, LARGEST_PAGE), offset, sort, clauses }
}

function whole(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function readSort(text: string, fields: readonly string[]): ListQuery['sort'] | undefined {
  if (text.length > LONGEST_FILTER) return undefined
  const parts = text.trim() === '' ? [] : text.split(',').map((part) => SORT.exec(part.trim()))
  const sort = parts.flatMap((part) => {
    const [, field = '', order = 'asc'] = part ?? []
    return fields.includes(field) ? [{ field, isDescending: order.toLowerCase() === 'desc' }] : []
  })
  return sort.length === parts.length ? sort : undefined
}

function readFilter(text: string, fields: readonly string[]): readonly Clause[] | undefined {
  if (text.length > LONGEST_FILTER) return undefined
  if (text.trim() === '' || text.trim() === 'true') return []
  const clauses: Clause[] = []
  let at = 0
  for (;;) {
    CLAUSE.lastIndex = at
    const [found = '', field = '', operator = '', value = ''] = CLAUSE.exec(text) ?? []
    if (!fields.includes(field)) return undefined
    clauses.push({ field, operator: operator.trim().toLowerCase() as Clause['operator'], value: valueOf(value) })
    at += found.length
    if (at === text.length) return clauses
    if (text.slice(at, at + 3).toLowerCase() !== 'and') return undefined
    at += 3
  }
}

function valueOf(text: string): Value {
  if (!text.startsWith('"')) return text.toLowerCase() === 'true'
  return text.slice(1, -1).replace(/\\(.)/g, '$1')
}

/** The rows that were asked for, and how many there are in all. */
export function partOf<Row>(
  rows: readonly Row[],
  { limit, offset, sort, clauses }: ListQuery,
  fieldsOf: (row: Row) => Fields,
): { readonly part: readonly Row[]; readonly page: Page } {
  const judged = rows.map((row) => ({ row, fields: fieldsOf(row) }))
  const met = judged.filter(({ fields }) => clauses.every((clause) => meets(fields, clause)))
  met.sort((one, other) => {
    for (const { field, isDescending } of sort) {
      const [a, b] = [String(one.fields[field] ?? ''), String(other.fields[field] ?? '')]
      if (a !== b) return a < b === isDescending ? 1 : -1
    }
    return 0
  })
  const part = met.slice(offset, offset + limit).map(({ row }) => row)
  return { part, page: { limit, offset, totalCount: met.length } }
}

function meets(fields: Fields, { field, operator, value }: Clause): boolean {
  const own = fields[field]
  switch (operator) {
    case '=':
      return own === value
    case '!=':
      return own !== value
    case 'contains':
      return String(own ?? '').includes(String(value))
  }
}
