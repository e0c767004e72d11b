import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { RealmName } from '../base/brand.ts'
import type { LookConfig } from './look.schema.ts'

export const LOGO_TYPES: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
}

/** Bytes of a logo that every error page carries along; a larger one is left to the pages of the login host. */
const INLINE_LIMIT = 32_768

export interface RealmWithLogo {
  readonly name: RealmName
  readonly look: LookConfig
  /** Absolute. */
  readonly themeDir: string
}

/** Logos as data URLs, for pages that fetch nothing. A realm without one, or with one that cannot be read, is not there. */
export async function inlineLogos(realms: Iterable<RealmWithLogo>): Promise<ReadonlyMap<RealmName, string>> {
  const found = await Promise.all([...realms].map(async (realm) => [realm.name, await inlineLogo(realm)] as const))
  return new Map(found.flatMap(([name, url]) => (url === undefined ? [] : [[name, url] as const])))
}

async function inlineLogo({ look: { logo }, themeDir }: RealmWithLogo): Promise<string | undefined> {
  const type = logo === undefined ? undefined : LOGO_TYPES[extname(logo)]
  if (logo === undefined || type === undefined) return undefined
  // Missing while the folder is being replaced: the first letter stands in, as it does without a logo.
  const body = await readFile(join(themeDir, logo)).catch(() => undefined)
  return body === undefined || body.length > INLINE_LIMIT ? undefined : `data:${type};base64,${body.toString('base64')}`
}
