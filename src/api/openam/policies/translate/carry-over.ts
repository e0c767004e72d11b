import { isDeepStrictEqual } from 'node:util'
import { checkPattern } from '../../../../policy/pattern.ts'
import type { PoliciesFile } from '../../../../policy/policies.schema.ts'
import { typeProblems } from '../../../../policy/resource-types.ts'
import { URL_TYPE } from '../documents.ts'
import type { Fields } from './bound.ts'
import { fieldsOf } from './bound.ts'
import type { Exported } from './export-file.ts'
import { readPolicy, type ReadPolicy, type WrittenPolicy } from './policy-from.ts'
import type { Translation } from './translation.ts'

/** What is to be said of one thing that was carried over. */
export interface Remark {
  /** Such as `policy "staff"`. */
  readonly about: string
  /** `lost`: it is not what it was. `note`: it is, and there is something to know. */
  readonly kind: 'lost' | 'note'
  readonly message: string
}

/** `policies.yaml` as it is to be written. */
export interface WrittenFile extends Pick<PoliciesFile, 'resourceTypes'> {
  readonly policySets: readonly WrittenSet[]
  readonly policies: readonly WrittenPolicy[]
}

interface WrittenSet {
  readonly name: string
  readonly description?: string
  readonly matching: 'classic'
  readonly resourceTypes?: readonly string[]
}

export interface CarriedOver {
  readonly file: WrittenFile
  readonly remarks: readonly Remark[]
  /** By name of a policy that was written: what of it needs a look. */
  readonly looks: ReadonlyMap<string, readonly string[]>
}

type Remarks = Remark[]

/**
 * Everything that was exported, in the words of `policies.yaml`; what cannot be said there is in the remarks.
 * @throws RangeError where nobody can say what is in force: two policies of one name that differ, or one that has none
 */
export function carryOver(exported: Exported, translation: Translation): CarriedOver {
  const remarks: Remarks = exported.others.map((about) => ({
    about,
    kind: 'lost',
    message: 'left out: it is no policy, policy set or resource type',
  }))
  const types = readTypes(exported.resourceTypes, remarks)
  // Of two that are called the same, the one that does not combine or compare as here counts, whichever was exported last.
  const foreignLast = exported.policySets.toSorted(
    (a, b) => Number(foreignness(a) !== undefined) - Number(foreignness(b) !== undefined),
  )
  const sets = new Map(foreignLast.map((set) => [textOf(set['name']), set]))
  const looks = new Map<string, string[]>()
  const policies = distinct(exported.policies, translation, remarks).flatMap((read) => {
    const carried = read.policies.map((policy) => withType(policy, { read, types, remarks }))
    const held = carried.map((policy) =>
      foreignness(sets.get(policy.policySet) ?? {}) === undefined ? policy : { ...policy, active: false },
    )
    for (const { name } of held)
      looks.set(
        name,
        read.losses.map(({ where, why }) => `${where}: ${why}`),
      )
    remarks.push(...remarksOn(read, held))
    return held
  })
  const file = {
    policySets: writtenSets(sets, { policies, types, remarks }),
    resourceTypes: [...types.values()].filter((type) => type !== 'built in'),
    policies,
  }
  const twice = policies.find(({ name }, at) => policies.findIndex((other) => other.name === name) !== at)
  if (twice !== undefined)
    throw new RangeError(`two policies would be called ${JSON.stringify(twice.name)}; rename one`)
  return { file, remarks: [...remarks, ...generalNotes(file, exported)], looks }
}

type Read = ReadPolicy & { readonly kind: 'read' }

function distinct(documents: readonly Fields[], translation: Translation, remarks: Remarks): readonly Read[] {
  const found = new Map<string, { readonly read: Read; readonly document: Fields }>()
  for (const document of documents) {
    const read = readPolicy(document, translation)
    if (read.kind === 'unreadable') {
      // It may deny: without it, what others allow would be open.
      const { active = false } = document
      if (active !== false) throw new RangeError(`there is a policy that cannot be read: ${read.why}`)
      remarks.push({ about: 'an inactive policy', kind: 'lost', message: `left out: ${read.why}` })
      continue
    }
    const known = found.get(read.name)
    if (known === undefined) found.set(read.name, { read, document })
    else if (!isDeepStrictEqual(known.document, document))
      throw new RangeError(
        `two policies are called ${JSON.stringify(read.name)} and differ; import one realm at a time`,
      )
  }
  return [...found.values()].map(({ read }) => read)
}

function remarksOn({ name, losses }: Read, written: readonly WrittenPolicy[]): readonly Remark[] {
  const about = `policy ${JSON.stringify(name)}`
  const [only] = written
  const asWritten =
    only === undefined
      ? 'left out'
      : written.length === 1 && only.name === name
        ? 'not carried over exactly'
        : `now ${written.map((each) => JSON.stringify(each.name)).join(' and ')}`
  return losses.map(({ where, why }) => ({ about, kind: 'lost', message: `${asWritten}. ${where}: ${why}` }))
}

type Type = PoliciesFile['resourceTypes'][number] | 'built in'

/** By OpenAM's uuid. */
function readTypes(documents: readonly Fields[], remarks: Remarks): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>([[URL_TYPE.uuid, 'built in']])
  const names = new Set<string>()
  for (const document of documents) {
    const uuid = textOf(document['uuid'] ?? document['_id'])
    const written = textOf(document['name'] ?? uuid)
    const listed: readonly unknown[] = Array.isArray(document['patterns']) ? document['patterns'] : []
    const named = Object.keys(fieldsOf(document['actions']) ?? {})
    if (uuid === URL_TYPE.uuid && sameTexts(listed, URL_TYPE.patterns)) continue
    const about = `resource type ${JSON.stringify(written)}`
    const patterns = listed.filter(
      (text): text is string => typeof text === 'string' && checkPattern(text) === undefined,
    )
    const actions = named.filter((name) => /^[A-Za-z][A-Za-z-]{0,31}$/.test(name) && name.toUpperCase() !== 'HEAD')
    const lost = [
      ...listed.filter((text) => !patterns.includes(text as string)).map((text) => `pattern ${JSON.stringify(text)}`),
      ...named
        .filter((name) => !actions.includes(name) && name !== 'HEAD')
        .map((name) => `action ${JSON.stringify(name)}`),
    ]
    if (lost.length > 0)
      remarks.push({ about, kind: 'lost', message: `without ${lost.join(', ')}, which is nothing here` })
    if (patterns.length === 0 || actions.length === 0) {
      remarks.push({ about, kind: 'lost', message: 'left out: no pattern or no action of it is left' })
      continue
    }
    const name = (names.has(written) ? `${written} ${uuid}` : written).slice(0, 128)
    names.add(name)
    types.set(uuid, { name, ...described(document, { about, remarks }), patterns, actions })
  }
  return types
}

function sameTexts(listed: readonly unknown[], texts: readonly string[]): boolean {
  return listed.length === texts.length && texts.every((text) => listed.includes(text))
}

/** A type bounds what its policies may name, and takes no part in decisions: a policy that ours would not let be written goes without. */
function withType(
  policy: WrittenPolicy,
  {
    read,
    types,
    remarks,
  }: { readonly read: Read; readonly types: ReadonlyMap<string, Type>; readonly remarks: Remarks },
): WrittenPolicy {
  const type = types.get(read.resourceType ?? URL_TYPE.uuid)
  if (type === 'built in') return policy
  const about = `policy ${JSON.stringify(read.name)}`
  if (type === undefined) {
    remarks.push({
      about,
      kind: 'note',
      message: `without its resource type ${read.resourceType}, which was not exported`,
    })
    return policy
  }
  const typed = { ...policy, resourceType: type.name }
  const [problem] = typeProblems({ policySets: [], resourceTypes: [type], policies: [typed] })
  if (problem === undefined) return typed
  remarks.push({ about, kind: 'note', message: `without its resource type: ${problem.message}` })
  return policy
}

const COMPARATORS: readonly unknown[] = [undefined, 'com.sun.identity.entitlement.URLResourceName']

/**
 * Why policies of a set cannot be in force here as they were there: under another way of combining them an allow of ours may be none, and
 * another way of comparing may match less.
 */
function foreignness({ entitlementCombiner, resourceComparator, applicationType }: Fields): string | undefined {
  if (entitlementCombiner !== undefined && entitlementCombiner !== 'DenyOverride')
    return `its policies are combined by ${JSON.stringify(entitlementCombiner)}, and here any deny wins`
  if (!COMPARATORS.includes(resourceComparator))
    return `its resources are compared by ${JSON.stringify(resourceComparator)}, and here as URLs`
  return applicationType === undefined || applicationType === 'iPlanetAMWebAgentService'
    ? undefined
    : `it is of type ${JSON.stringify(applicationType)}, and here all are for URLs`
}

/** Sets match as in OpenAM's server. A set without policies is there as soon as an agent profile names it. */
function writtenSets(
  sets: ReadonlyMap<string, Fields>,
  {
    policies,
    types,
    remarks,
  }: {
    readonly policies: readonly WrittenPolicy[]
    readonly types: ReadonlyMap<string, Type>
    readonly remarks: Remarks
  },
): readonly WrittenSet[] {
  const used = [...new Set(policies.map(({ policySet }) => policySet))]
  for (const name of sets.keys())
    if (!used.includes(name))
      remarks.push({
        about: `policy set ${JSON.stringify(name)}`,
        kind: 'note',
        message: 'left out: no policy of it is carried over',
      })
  return used.map((name) => {
    const set = sets.get(name)
    const about = `policy set ${JSON.stringify(name)}`
    const foreign = foreignness(set ?? {})
    if (foreign !== undefined) {
      const message = `${foreign}: they are written as inactive. Look at each before it is made active`
      remarks.push({ about, kind: 'lost', message })
    }
    if (set === undefined)
      remarks.push({ about, kind: 'note', message: 'it was not exported, and is taken for one in which any deny wins' })
    const listed: readonly unknown[] = Array.isArray(set?.['resourceTypeUuids']) ? set['resourceTypeUuids'] : []
    const named = listed.map((uuid) => types.get(textOf(uuid)))
    const names = named.flatMap((type) => (type === undefined || type === 'built in' ? [] : [type.name]))
    const own = policies.filter(({ policySet }) => policySet === name)
    const isBound =
      names.length > 0 &&
      names.length === named.length &&
      own.every(({ resourceType }) => resourceType !== undefined && names.includes(resourceType))
    if (names.length > 0 && !isBound)
      remarks.push({ about, kind: 'note', message: 'its policies may be of any resource type here' })
    return {
      name,
      ...described(set, { about, remarks }),
      matching: 'classic',
      ...(isBound ? { resourceTypes: names } : {}),
    }
  })
}

const LONGEST = 1_024

function described(
  document: Fields | undefined,
  { about, remarks }: { readonly about: string; readonly remarks: Remarks },
): { readonly description?: string } {
  const text = textOf(document?.['description'])
  if (text.length > LONGEST)
    remarks.push({ about, kind: 'lost', message: `its description is cut after ${LONGEST} characters` })
  return text === '' ? {} : { description: text.slice(0, LONGEST) }
}

/** What is another than in OpenAM wherever it comes up. */
function generalNotes({ policies }: WrittenFile, exported: Exported): readonly Remark[] {
  const about = 'all policies'
  const subjects = JSON.stringify(policies.map(({ subject }) => subject))
  const denies = policies.filter(({ actions }) => Object.values(actions).includes('deny'))
  const named = /"type":"(User|Group)"/
  const withoutHead = exported.policies.filter(({ actionValues }) => {
    const { GET: get, HEAD: head } = fieldsOf(actionValues) ?? {}
    return Boolean(get) && head === undefined
  })
  const levels = /"type":"(?:LE)?AuthLevel"|"authenticationStrategy":"AuthLevel"/
  return [
    ...(levels.test(JSON.stringify(policies))
      ? [
          {
            about,
            kind: 'note',
            message: 'levels are numbers: see that each module brings the level here that it brought in OpenAM',
          } as const,
        ]
      : []),
    ...(withoutHead.length > 0
      ? [
          {
            about,
            kind: 'note',
            message: `HEAD is decided as GET here; ${withoutHead.length} allow GET without naming HEAD`,
          } as const,
        ]
      : []),
    ...(subjects.includes('"AuthenticatedUsers"')
      ? [
          {
            about,
            kind: 'note',
            message: 'AuthenticatedUsers are those of this realm; in OpenAM they are those of any',
          } as const,
        ]
      : []),
    ...(denies.some(({ subject }) => named.test(JSON.stringify(subject)))
      ? [
          {
            about,
            kind: 'note',
            message: `denies name users or groups (${denies
              .filter(({ subject }) => named.test(JSON.stringify(subject)))
              .map(({ name }) => name)
              .join(', ')}): they count only as the directory spells them, so see that each is there`,
          } as const,
        ]
      : []),
  ]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
