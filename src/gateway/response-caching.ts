/** Types that are no documents: a browser may keep them for itself, as the application says. */
const ASSETS =
  /^(?:image|font|audio|video)\/|^text\/(?:css|javascript|event-stream)\b|^application\/(?:javascript|json|wasm|[\w.]+\+json|manifest\+json)\b/i

/** Shared caches of CDNs obey these before Cache-Control (RFC 9213), so they go. */
export function isSharedCacheControl(name: string): boolean {
  return name === 'surrogate-control' || name.endsWith('cdn-cache-control')
}

/** What the caching of one answer depends on. */
export interface Cacheable {
  readonly status: number
  readonly contentType: string | undefined
  readonly cacheControl: string | undefined
  readonly setsCookie: boolean
}

/**
 * The `Cache-Control` of an answer that needed a session: never for shared caches (cache deception: `/account/x.css`), and for
 * documents, unknown types and answers that set cookies for nobody (back button after logout).
 */
export function protectedCacheControl({ status, contentType, cacheControl, setsCookie }: Cacheable): string {
  if (setsCookie) return 'no-store'
  const isAsset = status === 304 || (contentType !== undefined && ASSETS.test(contentType))
  if (!isAsset) return 'no-store'
  const own = (cacheControl ?? '').split(',').map((part) => part.trim())
  if (own.some((directive) => /^no-store$/i.test(directive))) return 'no-store'
  const kept = own.filter(
    (directive) => directive !== '' && !/^(?:public|private|s-maxage|proxy-revalidate)\b/i.test(directive),
  )
  return ['private', ...kept].join(', ')
}

/** `Vary` with Cookie in it. */
export function varyByCookie(vary: string | undefined): string {
  if (vary === undefined || vary.trim() === '') return 'Cookie'
  return vary.includes('*') || /(?:^|,)\s*cookie\s*(?:,|$)/i.test(vary) ? vary : `${vary}, Cookie`
}
