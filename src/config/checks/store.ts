import { parseStoreUrl } from '../../store/redis/store-url.ts'
import { errorIn, type Check } from './check.ts'

/** STORE_URL is no part of a file, so no schema has seen it. Never quoted: it may hold a password. */
export const checkStoreUrl: Check = ({ gatehouse, storeUrl }) => {
  if (gatehouse === undefined || storeUrl === undefined) return []
  const parsed = parseStoreUrl(storeUrl)
  return parsed.kind === 'parsed'
    ? []
    : [
        errorIn(
          gatehouse.source,
          ['store'],
          `the environment variable STORE_URL takes the store's place: ${parsed.why}`,
        ),
      ]
}
