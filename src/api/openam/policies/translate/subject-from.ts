import { subjectSchema, type SubjectConfig } from '../../../../policy/subjects.schema.ts'
import { strangersIn, type Bound, type Fields, type Grammar, type Lose } from './bound.ts'
import { readUniversalName } from './distinguished-name.ts'
import type { Translation } from './translation.ts'

/** Subjects of OpenAM, and those of ours that it does not have. */
export function subjectGrammar(translation: Translation): Grammar<SubjectConfig> {
  return {
    ...{ member: 'subject', members: 'subjects' },
    leaf: (fields, lose) => (fields['type'] === 'Identity' ? identity(fields, lose, translation) : own(fields, lose)),
    join: (type, subjects) => ({ type, subjects }),
    negate: (subject) => ({ type: 'NOT', subject }),
  }
}

/** Types that are called the same and mean the same. */
const SHARED: ReadonlySet<unknown> = new Set(['AuthenticatedUsers', 'AnonymousUsers', 'NONE', 'Attribute', 'JwtClaim'])

function own(fields: Fields, lose: Lose): Bound<SubjectConfig> {
  const { type } = fields
  if (!SHARED.has(type)) return lose(`subjects of type ${JSON.stringify(type)} are not known here`)
  const parsed = subjectSchema.safeParse(fields)
  return parsed.success ? parsed.data : lose(parsed.error.issues.map(({ message }) => message).join('; '))
}

/** Users and groups, any of whom is enough. People of another realm have no session that counts in this one. */
function identity(fields: Fields, lose: Lose, { realm }: Translation): Bound<SubjectConfig> {
  const { subjectValues } = fields
  const strange = strangersIn(fields, ['type', 'subjectValues'])
  if (strange !== undefined) return lose(strange)
  if (!Array.isArray(subjectValues) || subjectValues.length === 0) return lose('it names nobody')
  const users: string[] = []
  const groups: string[] = []
  for (const value of subjectValues as readonly unknown[]) {
    const found = typeof value === 'string' ? readUniversalName(value) : undefined
    if (found?.kind !== 'user' && found?.kind !== 'group')
      return lose(`${JSON.stringify(value)} is no name of a user or group, such as id=alice,ou=user,…`)
    if (found.realm.toLowerCase() !== realm.toLowerCase())
      lose(`${JSON.stringify(value)} is of realm ${found.realm}; people of ${realm} are meant here`)
    else (found.kind === 'user' ? users : groups).push(found.name)
  }
  const parts: SubjectConfig[] = [
    ...(users.length === 0 ? [] : [{ type: 'User' as const, users }]),
    ...(groups.length === 0 ? [] : [{ type: 'Group' as const, groups }]),
  ]
  const [first, second] = parts
  if (first === undefined) return 'never'
  return second === undefined ? first : { type: 'OR', subjects: parts }
}
