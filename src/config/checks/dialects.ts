import { didYouMean } from '../suggest.ts'
import { errorIn, quoted, type Check } from './check.ts'

/** Nobody could sign in at addresses of a realm that is not there. */
export const checkDialects: Check = ({ gatehouse, realms }) => {
  const realm = gatehouse?.value.dialects.realm
  const names = realms.map(({ name }) => name)
  if (gatehouse === undefined || realm === undefined || names.includes(realm)) return []
  const { source } = gatehouse
  const path = ['dialects', 'realm']
  const hint = source.filled(path) === undefined ? didYouMean(realm, names) : ''
  return [errorIn(source, path, `there is no realm ${quoted(source, path, realm)}${hint}`)]
}
