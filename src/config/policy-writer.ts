import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { RealmName } from '../base/brand.ts'
import type { ChangeOptions, EditOutcome, EditPlan, ItemEdit, KeptList } from '../base/kept-list.ts'
import { asFault, fault } from '../errors.ts'
import { policiesFileSchema, type PolicyConfig } from '../policy/policies.schema.ts'
import { loadConfig, type LoadOptions } from './load.ts'
import { editPolicies } from './policies-document.ts'
import { formatProblem } from './problems.ts'
import { bytesOf, replaceFile } from './replace-file.ts'
import type { ConfigProblem, ConfigSnapshot, RealmConfig } from './snapshot.ts'

export interface PolicyWriterDeps<Compiled = unknown, Effect = undefined> {
  /** Absolute path of the configuration root. */
  readonly root: string
  /** Runs work while no other process writes; `undefined` where one does. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T | undefined>
  /** Throws what only compiling shows. */
  readonly compile: (realm: RealmConfig) => Compiled
  /** What a change does; asked before it is made. */
  readonly compare?: (realm: RealmName, before: Compiled, after: Compiled) => Effect
  /** Settles when what the files say is in force, or refused. */
  readonly reload: () => Promise<void>
  readonly inForce: () => ConfigSnapshot
  readonly options?: Pick<LoadOptions, 'env'>
  readonly replace?: typeof replaceFile
}

/** Each reads the whole configuration, twice. */
const MOST_WAITING = 32

/**
 * Changes `policies.yaml` of a realm: the file, for people and what keeps its versions. The whole configuration is checked with the change
 * before anything is written; the file is replaced in one step, and only if it is still what was read.
 */
export function createPolicyWriter<Compiled, Effect>(
  deps: PolicyWriterDeps<Compiled, Effect>,
): KeptList<PolicyConfig, Effect | undefined> {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    async change(realm, plan, options) {
      if (waiting >= MOST_WAITING) return { kind: 'conflict', why: 'too many changes are waiting; try again' }
      waiting++
      const turn = last.then(async () => deps.alone(() => changeFile(deps, { realm, plan, ...options })))
      last = turn.catch(() => undefined).finally(() => waiting--)
      return (await turn) ?? { kind: 'conflict', why: 'another process is changing policies; try again' }
    },
  }
}

interface Change<Effect, R> extends ChangeOptions<PolicyConfig, Effect | undefined> {
  readonly realm: RealmName
  readonly plan: (policies: readonly PolicyConfig[]) => EditPlan<R>
}

async function changeFile<Compiled, Effect, R>(
  deps: PolicyWriterDeps<Compiled, Effect>,
  { realm, plan, isTrial, objection, written }: Change<Effect, R>,
): Promise<EditOutcome<PolicyConfig, Effect | undefined, R>> {
  const file = `realms${realm === '/' ? '' : realm}/policies.yaml`
  const path = join(deps.root, file)
  const before = await bytesOf(path)
  const text = before === undefined ? '' : Buffer.from(before).toString('utf8')
  const old = await realmWith(deps, { realm, file, text: before === undefined ? undefined : text })
  if ('problems' in old)
    return { kind: 'conflict', why: `the files have errors; mend them first: ${old.problems.join('; ')}` }
  const planned = plan(old.realm.policies)
  if (planned.kind === 'refused') return planned
  const edits = planned.edits.filter(({ before, after }) => before === undefined || !isDeepStrictEqual(before, after))
  if (edits.length === 0) {
    const same = { items: old.realm.policies, effect: undefined }
    if (!isTrial) written?.(same)
    return { kind: 'done', ...same, isInForce: true }
  }
  const edited = attempt(() => editPolicies(text, ...edits))
  if (typeof edited !== 'string')
    return { kind: 'conflict', why: `${file} is to be changed by hand: ${edited.message}` }
  const next = await realmWith(deps, { realm, file, text: edited })
  if ('problems' in next) return { kind: 'invalid', problems: next.problems }
  if (!areOnly(edits, old.realm, next.realm))
    throw fault('GH_INTERNAL', { detail: `the change of ${file} would change more, or something else` })
  const { policies } = next.realm
  const effect = deps.compare?.(realm, old.compiled, next.compiled)
  const why = objection?.({ items: policies, effect })
  if (why !== undefined) return { kind: 'conflict', why }
  if (isTrial) return { kind: 'done', items: policies, isInForce: false, effect }
  const replace = deps.replace ?? replaceFile
  const replaced = await replace(path, { before, after: Buffer.from(edited) })
  if (replaced === 'changed') return { kind: 'conflict', why: `${file} was changed at the same time; read it again` }
  if (replaced === 'read-only')
    return { kind: 'conflict', why: `${file} cannot be written here; change it where it comes from` }
  written?.({ items: policies, effect })
  await deps.reload()
  return {
    kind: 'done',
    items: policies,
    isInForce: isDeepStrictEqual(deps.inForce().realms.get(realm)?.policies, policies),
    effect,
  }
}

/** YAML can be written in ways that only a person can change: an anchor that others refer to, for one. */
function attempt(edit: () => string): string | Error {
  try {
    return edit()
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

/** The realm as it would be with this text, or all that is wrong with the configuration then. */
async function realmWith<Compiled>(
  { root, options, compile }: Pick<PolicyWriterDeps<Compiled>, 'root' | 'options' | 'compile'>,
  { realm, file, text }: { readonly realm: RealmName; readonly file: string; readonly text: string | undefined },
): Promise<{ readonly realm: RealmConfig; readonly compiled: Compiled } | { readonly problems: readonly string[] }> {
  const instead = new Map(text === undefined ? [] : [[file, Buffer.from(text)]])
  const { snapshot, problems } = await loadConfig(root, { ...options, instead })
  const found = snapshot?.realms.get(realm)
  if (found === undefined) {
    const errors = errorsIn(problems, dirname(file))
    return { problems: errors.length > 0 ? errors : [`there is no realm ${realm}`] }
  }
  try {
    return { realm: found, compiled: compile(found) }
  } catch (caught) {
    const { detail, message } = asFault(caught)
    return { problems: [detail ?? message] }
  }
}

/** Of files that are not the realm's, its administrators learn no more than that there is something wrong. */
function errorsIn(problems: readonly ConfigProblem[], folder: string): readonly string[] {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const own = errors.filter(({ file }) => file.startsWith(`${folder}/`)).map(formatProblem)
  const others = errors.length - own.length
  return others === 0 ? own : [...own, `errors in files of others: ${others}; \`gatehouse check\` tells them`]
}

/** Whether the policies say what they are to say, and everything else what it said: an alias, say, could have carried the change further. */
function areOnly(edits: readonly ItemEdit[], old: RealmConfig, next: RealmConfig): boolean {
  const sections = ({ policySets, resourceTypes, partnerPolicies }: RealmConfig): object => ({
    ...{ policySets, resourceTypes, partnerPolicies },
  })
  const parsed = (after: object | undefined): readonly PolicyConfig[] =>
    after === undefined ? [] : policiesFileSchema.parse({ ...sections(old), policies: [after] }).policies
  const expected = edits.reduce<readonly PolicyConfig[]>(
    (policies, { index, before, after }) => policies.toSpliced(index, before === undefined ? 0 : 1, ...parsed(after)),
    old.policies,
  )
  return isDeepStrictEqual(expected, next.policies) && isDeepStrictEqual(sections(old), sections(next))
}
