import type { XmlElement } from '../../http/xml.ts'
import {
  DIGEST_ALGORITHMS,
  ENVELOPED,
  EXCLUSIVE_C14N,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
} from './algorithms.ts'
import { childrenOf, is, walk } from './document.ts'
import { NS } from './names.ts'
import { refuse } from './refusal.ts'

/** Prefixes of types in attribute values are what a list is for: `xs`, as OpenSAML writes it. */
const PREFIXES = /^[A-Za-z][\w-]{0,15}(?: [A-Za-z][\w-]{0,15}){0,7}$/

/**
 * The elements, among those given, that are signed; each by one signature that stands directly in it and refers to it alone. A
 * signature anywhere else in the document, or of another shape, is refused (signature wrapping): XML Signature allows far more than
 * SAML Core 2.0 §5.4 does.
 */
export function signedAmong(root: XmlElement, allowed: readonly XmlElement[]): readonly XmlElement[] {
  let count = 0
  walk(root, (element) => {
    if (is(element, NS.signature, 'Signature')) count += 1
  })
  const signed = allowed.filter((element) => childrenOf(element, NS.signature, 'Signature').length === 1)
  if (signed.length !== count) refuse('saml-signature-shape', 'a signature where none may be')
  for (const element of signed) checkShape(element)
  return signed
}

function checkShape(signed: XmlElement): void {
  const signature = childrenOf(signed, NS.signature, 'Signature')[0]
  if (signature === undefined) return
  // What KeyInfo says is never looked at (RetrievalMethod would have us fetch it).
  const children = signature.children.filter((child) => !is(child, NS.signature, 'KeyInfo'))
  if (signature.children.length - children.length > 1) refuse('saml-signature-shape', 'two KeyInfo in a signature')
  const [info] = only(children, ['SignedInfo', 'SignatureValue'])
  if (info !== undefined) readSignedInfo(info, signed.attributes.get('ID') ?? '')
}

/** What is signed, and how. */
export interface SignedInfo {
  readonly algorithm: SignatureAlgorithm
  readonly digest: 'sha256' | 'sha384' | 'sha512'
  readonly digestValue: string
  /** Prefixes whose declarations are part of the canonical form. */
  readonly prefixes: readonly string[]
}

/** Reads a SignedInfo that refers to the element with this ID and to nothing else, by algorithms that are accepted. */
export function readSignedInfo(info: XmlElement, id: string): SignedInfo {
  const [c14n, method, reference] = only(info.children, ['CanonicalizationMethod', 'SignatureMethod', 'Reference'])
  if (algorithmOf(c14n) !== EXCLUSIVE_C14N || !isBare(c14n))
    refuse('saml-algorithm', 'a canonicalisation other than the exclusive one')
  const algorithm = SIGNATURE_ALGORITHMS.get(algorithmOf(method))
  if (algorithm === undefined || !isBare(method)) refuse('saml-algorithm', 'a signature algorithm that is not accepted')
  if (reference?.attributes.get('URI') !== `#${id}`)
    refuse('saml-signature-shape', 'a reference to something else than what it stands in')
  const [transforms, digestMethod, value] = only(reference.children, ['Transforms', 'DigestMethod', 'DigestValue'])
  const digest = DIGEST_ALGORITHMS.get(algorithmOf(digestMethod))
  if (digest === undefined || !isBare(digestMethod)) refuse('saml-algorithm', 'a digest algorithm that is not accepted')
  const [enveloped, canonical] = only(transforms?.children, ['Transform', 'Transform'])
  if (algorithmOf(enveloped) !== ENVELOPED || !isBare(enveloped) || algorithmOf(canonical) !== EXCLUSIVE_C14N)
    refuse('saml-algorithm', 'transforms other than the enveloped signature and the exclusive canonicalisation')
  return { algorithm, digest, digestValue: value?.text.trim() ?? '', prefixes: prefixesIn(canonical) }
}

/** Exactly these elements of XML Signature, in this order. */
function only(elements: readonly XmlElement[] | undefined, names: readonly string[]): readonly XmlElement[] {
  const found = elements ?? []
  const fits = found.length === names.length && found.every((each, index) => is(each, NS.signature, names[index] ?? ''))
  return fits ? found : refuse('saml-signature-shape', `a signature is not made of ${names.join(', ')}`)
}

function prefixesIn(transform: XmlElement | undefined): readonly string[] {
  const [list, ...more] = transform?.children ?? []
  if (list === undefined) return []
  const isList = is(list, NS.exclusive, 'InclusiveNamespaces') && list.children.length === 0 && more.length === 0
  const prefixes = list.attributes.get('PrefixList') ?? ''
  if (!isList || !PREFIXES.test(prefixes)) refuse('saml-signature-shape', 'a list of prefixes that is not plain')
  return prefixes.split(' ')
}

function isBare(element: XmlElement | undefined): boolean {
  return element?.children.length === 0
}

function algorithmOf(element: XmlElement | undefined): string {
  return element?.attributes.get('Algorithm') ?? ''
}
