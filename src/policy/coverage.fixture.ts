import type { Resource } from './decision.ts'
import { parsePattern, targetOf, type Matching } from './pattern.ts'
import type { Precision } from './precision.ts'

export interface How {
  readonly precision?: Precision
  readonly matching?: Matching
}

/** Whether the pattern covers the URL; false for what is neither. */
export function covers(pattern: string, url: string, how: How = {}): boolean {
  const asked = resourceOf(url)
  return asked !== undefined && matches(pattern, asked, how)
}

export function matches(pattern: string, asked: Resource, { precision = 'exact', matching }: How = {}): boolean {
  const parsed = parsePattern(pattern, matching)
  return parsed.kind === 'pattern' && parsed.pattern.matches(targetOf(asked, matching), precision)
}

/** Read as it stands, unlike `URL`, which would mend it. */
function resourceOf(url: string): Resource | undefined {
  const match = /^(https?):\/\/([^/:?]+)(?::(\d+))?(\/[^?]*)?(?:\?(.*))?$/s.exec(url)
  if (match === null) return undefined
  const [, scheme = '', host = '', port, path = '/', query] = match
  const https = scheme === 'https'
  return {
    scheme: https ? 'https' : 'http',
    host: host.toLowerCase(),
    port: Number(port ?? (https ? 443 : 80)),
    path,
    query,
  }
}
