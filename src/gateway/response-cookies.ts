import { bareName, setCookieName } from '../http/cookies.ts'

/**
 * An application's `Set-Cookie` as it may go on, or `undefined`: it must neither set nor clear a cookie of ours, in any case or
 * with any prefix (browsers compare prefixes without regard to case), nor as a nameless cookie, whose value a browser sends
 * back as if it were a pair.
 */
export function passSetCookie(
  value: string,
  reserved: ReadonlySet<string>,
  domain: 'keep' | 'remove',
): string | undefined {
  const name = setCookieName(value)
  if (name === '' || reserved.has(bareName(name))) return undefined
  return domain === 'remove' ? value.replace(/;[ \t]*domain[ \t]*(?:=[^;]*)?(?=;|$)/gi, '') : value
}

/** `Clear-Site-Data` without what would clear our cookie; `undefined` when nothing else was asked for. */
export function passClearSiteData(value: string): string | undefined {
  const directives = value.split(',').map((part) => part.trim())
  const kept = directives.flatMap((directive) => {
    if (directive === '"*"') return ['"cache"', '"storage"']
    return directive === '"cookies"' ? [] : [directive]
  })
  return kept.length === 0 ? undefined : kept.join(', ')
}
