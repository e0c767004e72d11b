import { loadPart } from '../../errors.ts'

/** The library and its parts, loaded when some realm has clients: it takes a tenth of a second. */
export type Library = Awaited<ReturnType<typeof loadLibrary>>

/** Rejects with GH_CONFIG_INVALID where it is not installed. */
export function loadLibrary() {
  return loadPart('the OpenID provider', () => import('oidc-provider'))
}
