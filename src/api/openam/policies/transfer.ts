import { z } from 'zod'
import type { RealmName } from '../../../base/brand.ts'
import { realmName } from '../../../base/realm-name.schema.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import { misread } from './evaluate.ts'
import type { Call } from '../call.ts'
import { problem, type Reply } from '../reply.ts'
import { policyDocument } from './documents.ts'
import { askedFor } from './written.ts'

export type Copying = 'copy' | 'move'

/** Which policies become what, and where. */
export interface Transfer {
  readonly copying: Copying
  readonly from: RealmName
  readonly to: RealmName
  /** The policy that is meant; else those of a set. */
  readonly one: string | undefined
  readonly set: string | undefined
  /** What a policy says there, in OpenAM's words. */
  readonly become: (document: Fields) => Fields
}

type Fields = Readonly<Record<string, unknown>>

/** One policy as it is and as it will be. */
export interface Moved {
  readonly old: PolicyConfig
  readonly name: string
  readonly written: object
}

/** Policies of one call. */
const MOST = 200

const name = z.string().min(1)
const realm = z
  .string()
  .transform((path) => (path.startsWith('/') ? path : `/${path}`))
  .pipe(realmName)

const oneSchema = z.strictObject({
  to: z.strictObject({
    application: name.optional(),
    name: name.optional(),
    realm: realm.optional(),
    resourceType: name.optional(),
  }),
})

const manySchema = z.strictObject({
  from: z.strictObject({ application: name }),
  to: z.strictObject({ application: name.optional(), realm: realm.optional(), namePostfix: z.string().default('') }),
  resourceTypeMapping: z.record(z.string(), name).default({}),
})

/** OpenAM's body: `to` for a policy that the address names; `from`, `to` and `resourceTypeMapping` for those of a policy set. */
export function readTransfer({ address, body }: Call, copying: Copying): Transfer | Reply {
  const { realm: from, id } = address
  if (id !== undefined) {
    const read = oneSchema.safeParse(body)
    if (!read.success) return misread(read.error)
    const { application, name: called, realm: to = from, resourceType } = read.data.to
    const become = (document: Fields): Fields => ({
      ...document,
      ...(called === undefined ? {} : { name: called }),
      ...(application === undefined ? {} : { applicationName: application }),
      ...(resourceType === undefined ? {} : { resourceTypeUuid: resourceType }),
    })
    return { copying, from, to, one: id, set: undefined, become }
  }
  const read = manySchema.safeParse(body)
  if (!read.success) return misread(read.error)
  const {
    from: { application: set },
    to: { application, realm: to = from, namePostfix },
    resourceTypeMapping: types,
  } = read.data
  const become = (document: Fields): Fields => {
    const type = String(document['resourceTypeUuid'])
    return {
      ...document,
      name: `${String(document['name'])}${namePostfix}`,
      ...(application === undefined ? {} : { applicationName: application }),
      resourceTypeUuid: Object.hasOwn(types, type) ? types[type] : type,
    }
  }
  return { copying, from, to, one: undefined, set, become }
}

/**
 * What each of the meant policies becomes. A policy that says something that cannot be said there (people of the realm that it comes from,
 * for one) is refused, and all others with it.
 */
export function movedBy(
  { from, to, one, set, become }: Transfer,
  policies: readonly PolicyConfig[],
): readonly Moved[] | Reply {
  const meant = policies.filter(({ name: called, policySet }) =>
    one === undefined ? policySet === set : called === one,
  )
  if (meant.length === 0) return one === undefined ? problem(400, 'from.application: it has no policies') : problem(404)
  if (meant.length > MOST) return problem(400, `from.application: more than ${MOST} policies; copy them in the file`)
  const moved: Moved[] = []
  for (const old of meant) {
    const asked = askedFor(to, become(policyDocument(from, old)))
    if (asked.kind === 'refused') return problem(400, `${old.name}: ${asked.why}`)
    moved.push({ old, name: asked.name, written: asked.written })
  }
  return moved
}

/** A name that is taken already, by a policy that stays. */
export function clashOf(staying: readonly PolicyConfig[], moved: readonly Moved[]): Reply | undefined {
  const taken = new Set(staying.map((policy) => policy.name))
  const clash = moved.find(({ name: called }) => taken.has(called))
  return clash && problem(409, `there is a policy called ${JSON.stringify(clash.name)}; say another name`)
}
