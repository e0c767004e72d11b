import { fieldsOf, type Fields } from './bound.ts'

/** What exports of OpenAM hold, sorted. */
export interface Exported {
  readonly policies: readonly Fields[]
  readonly policySets: readonly Fields[]
  readonly resourceTypes: readonly Fields[]
  /** What is in them besides, and is not carried over. */
  readonly others: readonly string[]
}

export type ReadExport =
  | { readonly kind: 'read'; readonly exported: Exported }
  | { readonly kind: 'problem'; readonly message: string }

/** Of a file that frodo wrote: kinds of objects, each by id. */
const FRODO_KINDS = ['policy', 'policyset', 'resourcetype', 'script'] as const

/**
 * Reads what OpenAM's REST answers (`{"result":[…]}` of policies, applications and resource types), single objects, lists of them, and
 * files of frodo's exports.
 */
export function readExport(texts: readonly { readonly file: string; readonly text: string }[]): ReadExport {
  const all: Named[] = []
  for (const { file, text } of texts) {
    try {
      all.push(...objectsIn(JSON.parse(text.replace(/^\uFEFF/, '')), file))
    } catch (caught) {
      return { kind: 'problem', message: caught instanceof Incomplete ? caught.message : `${file} is no JSON` }
    }
  }
  const of = (kind: Kind): readonly Fields[] =>
    all.flatMap(({ fields }) => (fields && kindOf(fields) === kind ? [fields] : []))
  const others = all.filter(({ fields }) => fields === undefined || kindOf(fields) === undefined)
  return {
    kind: 'read',
    exported: {
      policies: of('policy'),
      policySets: of('policy set'),
      resourceTypes: of('resource type'),
      others: others.map(({ file, fields, kind }) => `${file}: ${kind} ${JSON.stringify(fields?.['name'] ?? '')}`),
    },
  }
}

/** Whatever is not there may deny, so that what is there would open more than it did. */
class Incomplete extends Error {}

interface Named {
  readonly file: string
  readonly kind: string
  readonly fields: Fields | undefined
}

function objectsIn(value: unknown, file: string): readonly Named[] {
  if (Array.isArray(value)) return value.flatMap((each) => objectsIn(each, file))
  const fields = fieldsOf(value)
  if (fields === undefined) return [{ file, kind: 'something', fields }]
  if (Array.isArray(fields['result'])) {
    if (Number(fields['remainingPagedResults'] ?? 0) > 0 || Boolean(fields['pagedResultsCookie']))
      throw new Incomplete(`${file} is one page of several; export it without _pageSize`)
    return objectsIn(fields['result'], file)
  }
  const found = FRODO_KINDS.filter((kind) => fieldsOf(fields[kind]) !== undefined)
  if (kindOf(fields) !== undefined || found.length === 0) return [{ file, kind: 'an object', fields }]
  const besides = Object.keys(fields).filter((name) => name !== 'meta' && !found.some((kind) => kind === name))
  const hiding = besides.find((name) => JSON.stringify(fields[name]).includes('"actionValues":'))
  if (hiding !== undefined)
    throw new Incomplete(
      `${file} has policies in the part ${JSON.stringify(hiding)}, which is not known; import them as a list`,
    )
  return [
    ...found.flatMap((kind) =>
      Object.values(fieldsOf(fields[kind]) ?? {}).map((each) => ({ file, kind, fields: fieldsOf(each) })),
    ),
    ...besides.map((name) => ({ file, kind: 'the part', fields: { name } })),
  ]
}

type Kind = 'policy' | 'policy set' | 'resource type'

function kindOf(fields: Fields): Kind | undefined {
  if ('actionValues' in fields || ('subject' in fields && 'resources' in fields)) return 'policy'
  if ('resourceTypeUuids' in fields || 'entitlementCombiner' in fields) return 'policy set'
  return Array.isArray(fields['patterns']) && 'actions' in fields ? 'resource type' : undefined
}
