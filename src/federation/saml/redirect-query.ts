import { isSignatureOf, SIGNATURE_ALGORITHMS } from './algorithms.ts'
import { base64, xmlOfParameter } from './message-bytes.ts'
import { isValidAt, type PartnerKey } from './partner-keys.ts'
import { refuse } from './refusal.ts'

const DEFLATE = 'urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE'
/** Longer than any address that browsers and proxies carry. */
const LONGEST = 65_536
const NAMES: ReadonlySet<string> = new Set([
  'SAMLRequest',
  'SAMLResponse',
  'RelayState',
  'SigAlg',
  'Signature',
  'SAMLEncoding',
])

export interface RedirectMessage {
  readonly xml: string
  readonly relayState: string | undefined
  /** Over these octets, as they were received; `undefined` for a message that brings none. */
  readonly signature: { readonly algorithm: string; readonly value: string; readonly octets: string } | undefined
}

/**
 * The message in the query of an address, as it was received and before anything has decoded it: a signature is over exactly these
 * octets (SAML Bindings 2.0 §3.4.4.1; CVE-2025-31335, CVE-2025-27773). Parameters that are not of the binding are nobody's word.
 */
export function readRedirectQuery(query: string, field: 'SAMLRequest' | 'SAMLResponse'): RedirectMessage {
  if (query.length > LONGEST) refuse('saml-encoding', 'a query of more than 64 KiB')
  const raw = parametersOf(query)
  const other = field === 'SAMLRequest' ? 'SAMLResponse' : 'SAMLRequest'
  const message = raw.get(field)
  if (message === undefined || raw.has(other)) refuse('saml-encoding', `not ${field}, once and alone`)
  const encoding = raw.get('SAMLEncoding')
  if (encoding !== undefined && decode(encoding) !== DEFLATE) refuse('saml-encoding', 'an encoding other than DEFLATE')
  const relay = raw.get('RelayState')
  const algorithm = raw.get('SigAlg')
  const value = raw.get('Signature')
  if ((algorithm === undefined) !== (value === undefined))
    refuse('saml-signature-shape', 'a signature without its algorithm, or an algorithm alone')
  return {
    xml: xmlOfParameter(decode(message)),
    relayState: relay === undefined ? undefined : decode(relay),
    signature:
      algorithm === undefined || value === undefined
        ? undefined
        : {
            algorithm: decode(algorithm),
            value: decode(value),
            octets: `${field}=${message}${relay === undefined ? '' : `&RelayState=${relay}`}&SigAlg=${algorithm}`,
          },
  }
}

/** Refuses what no key of the partner's that is valid now has signed. */
export function checkQuerySignature(
  { algorithm: name, value, octets }: NonNullable<RedirectMessage['signature']>,
  keys: readonly PartnerKey[],
  now: number,
): void {
  const algorithm = SIGNATURE_ALGORITHMS.get(name)
  if (algorithm === undefined) refuse('saml-algorithm', 'a signature algorithm that is not accepted')
  const valid = keys.filter((key) => isValidAt(key, now))
  if (valid.length === 0) refuse('saml-certificate', 'no certificate of the partner is valid now')
  const signature = base64(value.replaceAll(/\r?\n/g, ''))
  if (!valid.some(({ key }) => isSignatureOf(octets, signature, { algorithm, key })))
    refuse('saml-signature', 'no key of the partner has made this signature')
}

/** Each parameter of the binding, still encoded; one that stands twice is refused, in whatever spelling. */
function parametersOf(query: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const pair of query.split('&')) {
    const [name = '', ...rest] = pair.split('=')
    const decoded = decode(name)
    if (!NAMES.has(decoded)) continue
    if (decoded !== name || found.has(name)) refuse('saml-encoding', `${decoded} twice, or in another spelling`)
    found.set(name, rest.join('='))
  }
  return found
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return refuse('saml-encoding', 'a parameter that is not percent-encoded UTF-8')
  }
}
