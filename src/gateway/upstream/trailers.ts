/**
 * What may come after a body (RFC 9110 §6.5.1): nothing that frames, routes, authenticates, caches, redirects or describes the
 * content, because a recipient has acted on those by then, and nothing that a browser keeps: `Set-Cookie` in a trailer would pass
 * the scrubbing of the head.
 */
const NOT_AFTER_THE_BODY =
  /^(?:set-cookie2?|cookie|authorization|host|location|refresh|link|date|age|expires|vary|etag|last-modified|warning|retry-after|max-forwards|te|trailer|transfer-encoding|connection|keep-alive|upgrade|range|accept-ranges|cache-control|surrogate-.*|cdn-.*|pragma|expect|if-.*|proxy-.*|www-.*|authentication-.*|content-(?!digest$).*|access-control-.*|cross-origin-.*|sec-.*|x-forwarded-.*|forwarded|strict-transport-security|clear-site-data|alt-svc|nel|report.*|permissions-policy|referrer-policy|x-frame-options|x-content-type-options|x-gatehouse-.*|x-remote-.*)$/

/** The trailers that may be passed on, as name, value, name, value …; order and duplicates kept. */
export function passableTrailers(raw: readonly (Buffer | string)[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = latin1(raw[at])
    if (!NOT_AFTER_THE_BODY.test(name.toLowerCase())) kept.push(name, latin1(raw[at + 1]))
  }
  return kept
}

/** Whether the client said that it can do something with trailers (RFC 9110 §10.1.4). */
export function takesTrailers(te: string | readonly string[] | undefined): boolean {
  return typeof te === 'string' && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te)
}

function latin1(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '')
}
