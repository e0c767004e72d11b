import type { Document } from './documents.ts'

type Operator = (text: string, wanted: string) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = {
  eq: (text, wanted) => text === wanted,
  co: (text, wanted) => text.includes(wanted),
  sw: (text, wanted) => text.startsWith(wanted),
}

const LONGEST = 1_000
const CLAUSE = /\s*\/?([A-Za-z]{1,32})\s+(eq|co|sw)\s+(?:"((?:[^"\\]|\\["\\])*)"|(true|false))\s*/y

/** `true`, or clauses joined by `and`: of CREST's filters what clients use on policies. `undefined` for everything else. */
export function readFilter(text: string): ((document: Document) => boolean) | undefined {
  if (text.length > LONGEST) return undefined
  if (text.trim() === 'true') return () => true
  const clauses: ((document: Document) => boolean)[] = []
  for (let at = 0; ; at += 3) {
    CLAUSE.lastIndex = at
    const [whole = '', field = '', operator = '', quoted, bare] = CLAUSE.exec(text) ?? []
    const holds = OPERATORS[operator]
    if (holds === undefined) return undefined
    const wanted = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? ''
    clauses.push((document) => valuesOf(document, field).some((value) => holds(value, wanted)))
    at += whole.length
    if (at === text.length) break
    if (!text.startsWith('and', at)) return undefined
  }
  return (document) => clauses.every((clause) => clause(document))
}

function valuesOf(document: Document, field: string): readonly string[] {
  const value = Object.hasOwn(document, field) ? document[field] : undefined
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.filter((each) => typeof each === 'string' || typeof each === 'boolean').map(String)
}
