import { createHash, X509Certificate } from 'node:crypto'

/** Keys whose values Envoy writes without quotes though whoever has the certificate made chose them. */
const UNQUOTED = new Set(['uri', 'dns'])
const ONCE = new Set(['hash', 'cert', 'chain', 'subject'])
const MOST_PAIRS = 200

/** One proxy's account of its client: values by key in small letters. */
type Element = ReadonlyMap<string, readonly string[]>

/**
 * Certificates in Envoy's `X-Forwarded-Client-Cert`: elements with commas between them, one for each proxy that added its own client;
 * an element is pairs with semicolons between them; a value with one of these in it is in double quotes, where `\` takes the next
 * character as it is. Only the last element counts: the proxy in front of us wrote that one, and those before it came to it.
 *
 * Envoy always writes `Hash` (SHA-256 of the certificate), which has to be that of the leaf. It does not quote `URI` and `DNS`, so a
 * certificate with a comma in such a name begins an element of its own (forged last hop): with one of them there may be no second element.
 *
 * The leaf first. Throws for whatever is not exactly so.
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function readForwardedClientCert(text: string): readonly [leaf: Buffer, ...others: readonly Buffer[]] {
  const elements = elementsOf(text)
  const last = elements.at(-1)
  if (last === undefined) throw new Error('no element')
  if (elements.length > 1 && elements.some((element) => [...element.keys()].some((key) => UNQUOTED.has(key))))
    throw new Error('names that are not quoted, and several elements')
  const [leaf, ...others] = certificatesOf(last)
  if (leaf === undefined) throw new Error('no certificate')
  const hash = createHash('sha256').update(leaf).digest('hex')
  if (last.get('hash')?.[0]?.toLowerCase() !== hash) throw new Error('the hash of another certificate')
  return [leaf, ...others]
}

/** `Chain` begins with the certificate itself; where there are both, they are of the same client. */
function certificatesOf(element: Element): readonly Buffer[] {
  const [cert, ...more] = pems(element.get('cert')?.[0])
  const chain = pems(element.get('chain')?.[0])
  if (more.length > 0) throw new Error('several certificates as one')
  if (cert === undefined) return chain
  if (chain[0]?.equals(cert) === false) throw new Error('the chain of another certificate')
  return [cert, ...chain.slice(1)]
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*/g

/** Percent-encoded PEM, and nothing beside it. */
function pems(value: string | undefined): readonly Buffer[] {
  if (value === undefined) return []
  const text = decodeURIComponent(value)
  const blocks = text.match(PEM) ?? []
  if (blocks.length === 0 || blocks.join('') !== text) throw new Error('something else than certificates')
  return blocks.map((pem) => new X509Certificate(pem).raw)
}

/** A key, a value with or without quotes, and what ends the pair. */
const PAIR = /([A-Za-z]{1,32})=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\\s]+))[ \t]*(;|,[ \t]*|$)/y

function elementsOf(text: string): readonly Element[] {
  const elements: Map<string, string[]>[] = []
  let element: Map<string, string[]> | undefined
  PAIR.lastIndex = 0
  for (let pairs = 0; pairs < MOST_PAIRS; pairs++) {
    const found = PAIR.exec(text)
    if (found === null) throw new Error('this is no pair')
    const [, name = '', quoted, plain = '', end = ''] = found
    const key = name.toLowerCase()
    if (element === undefined) {
      element = new Map<string, string[]>()
      elements.push(element)
    }
    const before = element.get(key)
    if (before !== undefined && ONCE.has(key)) throw new Error('twice in one element')
    element.set(key, [...(before ?? []), quoted?.replace(/\\(.)/g, '$1') ?? plain])
    if (end === '') return elements
    if (end !== ';') element = undefined
  }
  throw new Error('too many pairs')
}
