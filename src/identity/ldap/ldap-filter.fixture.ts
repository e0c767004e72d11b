import { BerReader } from 'ldapts'
import { dnKey } from './distinguished-name.ts'
import type { FixtureEntry } from './ldap-server.fixture.ts'

const [AND, OR, NOT, EQUAL, PRESENT, EXTENSIBLE] = [0xa0, 0xa1, 0xa2, 0xa3, 0x87, 0xa9] as const
const IN_CHAIN = '1.2.840.113556.1.4.1941'

/** Whether the entry meets a filter as it came over the wire (RFC 4511 §4.5.1.7). Any other kind of filter finds nothing. */
export function matches(filter: Buffer, entry: FixtureEntry): boolean {
  const reader = new BerReader(filter)
  const kind = reader.peek()
  if (kind === PRESENT) return valuesOf(entry, reader.readString(PRESENT) ?? '').length > 0
  reader.readSequence()
  const end = reader.offset + reader.length
  switch (kind) {
    case AND:
      return parts(filter, reader, end).every((part) => matches(part, entry))
    case OR:
      return parts(filter, reader, end).some((part) => matches(part, entry))
    case NOT:
      return !matches(filter.subarray(reader.offset, end), entry)
    case EQUAL: {
      const attribute = reader.readString() ?? ''
      const value = reader.readString(0x04, true) ?? Buffer.alloc(0)
      return valuesOf(entry, attribute).some((each) => isEqual(each, value))
    }
    case EXTENSIBLE: {
      const rule = reader.readString(0x81)
      const attribute = reader.readString(0x82) ?? ''
      const value = reader.readString(0x83, true) ?? Buffer.alloc(0)
      return rule === IN_CHAIN && valuesOf(entry, `${attribute}InChain`).some((each) => isEqual(each, value))
    }
    default:
      return false
  }
}

function parts(filter: Buffer, reader: BerReader, end: number): readonly Buffer[] {
  const found: Buffer[] = []
  while (reader.offset < end) {
    const start = reader.offset
    reader.readSequence()
    reader.offset += reader.length
    found.push(filter.subarray(start, reader.offset))
  }
  return found
}

/** objectClass is there without being written down. */
function valuesOf({ attributes }: FixtureEntry, attribute: string): readonly (string | Buffer)[] {
  const name = Object.keys(attributes).find((each) => each.toLowerCase() === attribute.toLowerCase())
  return name === undefined ? (attribute.toLowerCase() === 'objectclass' ? ['top'] : []) : (attributes[name] ?? [])
}

/** As directories compare: without regard to case, and Active Directory to accents. */
function isEqual(one: string | Buffer, other: Buffer): boolean {
  if (typeof one !== 'string') return one.equals(other)
  const text = other.toString('utf8')
  return folded(one) === folded(text) || (one.includes('=') && dnKey(one) === dnKey(text))
}

function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}
