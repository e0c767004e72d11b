import { fromBER, IA5String, ObjectIdentifier, PrintableString, Sequence, Set as Asn1Set, Utf8String } from 'asn1js'
import type { Certificate } from './certificate.ts'

/**
 * The values of one attribute of the subject. `undefined` where it could be read in two ways: where any RDN has several attributes, or
 * a value a string type with a code page of its own.
 */
export function subjectValues({ subject }: Certificate, oid: string): readonly string[] | undefined {
  const { result } = fromBER(new Uint8Array(Buffer.from(subject, 'hex')))
  const names: string[] = []
  for (const rdn of result instanceof Sequence ? result.valueBlock.value : []) {
    const attributes = rdn instanceof Asn1Set ? rdn.valueBlock.value : []
    const [attribute, ...more] = attributes
    if (!(attribute instanceof Sequence) || more.length > 0) return undefined
    const [type, value] = attribute.valueBlock.value
    if (!(type instanceof ObjectIdentifier) || type.valueBlock.toString() !== oid) continue
    const text = textOf(value)
    if (text === undefined) return undefined
    names.push(text)
  }
  return names
}

/**
 * A name's RDNs in order, each as one text, equal for spellings that a directory takes for one: case, spaces, type of the string, order
 * within an RDN. `undefined` where a value is no such string. `name`: hexadecimal DER.
 */
export function foldedRdns(name: string): readonly string[] | undefined {
  const { result } = fromBER(new Uint8Array(Buffer.from(name, 'hex')))
  const rdns = (result instanceof Sequence ? result.valueBlock.value : []).map((rdn) =>
    (rdn instanceof Asn1Set ? rdn.valueBlock.value : []).map(foldedAttribute),
  )
  return rdns.flat().includes(undefined) ? undefined : rdns.map((rdn) => JSON.stringify(rdn.sort()))
}

function foldedAttribute(attribute: unknown): string | undefined {
  const [type, value] = attribute instanceof Sequence ? attribute.valueBlock.value : []
  const text = textOf(value)
  if (!(type instanceof ObjectIdentifier) || text === undefined) return undefined
  const folded = text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()
  return `${type.valueBlock.toString()}=${folded}`
}

/** `undefined` for everything but UTF8String, PrintableString and IA5String. */
export function textOf(value: unknown): string | undefined {
  if (value instanceof Utf8String || value instanceof PrintableString || value instanceof IA5String)
    return value.getValue()
  return undefined
}
