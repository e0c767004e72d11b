import type { ConfigProblem } from '../snapshot.ts'
import { didYouMean } from '../suggest.ts'
import { quoted, warningIn, type Check, type RealmSources } from './check.ts'

/** A limit for a name that nobody has limits nobody. A warning: the user who left is no reason to refuse a configuration. */
export const checkQuotas: Check = ({ realms }) => realms.flatMap(unknownNames)

function unknownNames({ realm, users }: RealmSources): ConfigProblem[] {
  if (realm === undefined || users === undefined) return []
  const { source, value } = realm
  const known = {
    user: users.value.users.map(({ username }) => username),
    group: users.value.users.flatMap(({ groups }) => groups),
  }
  return value.session.quotas.flatMap((entry, index) => {
    const [field, name] = 'user' in entry ? (['user', entry.user] as const) : (['group', entry.group] as const)
    if (known[field].includes(name)) return []
    const path = ['session', 'quotas', index, field]
    const what =
      field === 'user'
        ? `there is no user ${quoted(source, path, name)}`
        : `nobody is in the group ${quoted(source, path, name)}`
    const hint = source.filled(path) === undefined ? didYouMean(name, known[field]) : ''
    return [warningIn(source, path, `${what} in users.yaml: this limit holds for nobody${hint}`)]
  })
}
