import { usernameKey } from '../../base/username-key.ts'
import { errorIn, placeOf, type Check } from './check.ts'

/** An application could not tell such a user from people without proof, so nobody signs in by that name. */
export const checkAnonymousName: Check = ({ realms }) =>
  realms.flatMap(({ realm, users }) => {
    if (realm === undefined || users === undefined) return []
    const { modules } = realm.value.authentication
    return Object.entries(modules).flatMap(([name, module]) => {
      if (module.type !== 'anonymous') return []
      const index = users.value.users.findIndex(
        ({ username }) => usernameKey(username) === usernameKey(module.username),
      )
      if (index === -1) return []
      const place = placeOf(realm.source, ['authentication', 'modules', name])
      const message = `people without proof are called so (${place}), and nobody else can sign in by that name; give one of them another`
      return [errorIn(users.source, ['users', index, 'username'], message)]
    })
  })
