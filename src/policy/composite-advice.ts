import { escapeXml, XML_ENTITIES } from '../base/xml-text.ts'
import type { AdviceName, Advices } from './decision.ts'

/** Characters of a composite advice that are looked at. */
const LONGEST = 4_096

/** Advices as OpenAM writes them into `authIndexValue` beside `authIndexType=composite_advice`. */
export function formatCompositeAdvice(advices: Advices): string {
  const pairs = Object.entries(advices).map(([name, values]) => {
    const texts = values.map((value) => `<Value>${escapeXml(value)}</Value>`).join('')
    return `<AttributeValuePair><Attribute name="${name}"/>${texts}</AttributeValuePair>`
  })
  return `<Advices>${pairs.join('')}</Advices>`
}

/** Exactly the elements above, with space between them: an XML parser would do far more than is wanted (XXE, entity bombs). */
const WHOLE = /^\s*<Advices>([^]*)<\/Advices>\s*$/
const PAIR =
  /\s*<AttributeValuePair>\s*<Attribute name="([A-Za-z]{1,64})"\s*\/>((?:\s*<Value>[^<>]*<\/Value>)+)\s*<\/AttributeValuePair>\s*/y
const VALUE = /<Value>([^<>]*)<\/Value>/g

const NAMES = [
  'AuthLevelConditionAdvice',
  'AuthSchemeConditionAdvice',
  'AuthenticateToRealmConditionAdvice',
  'AuthenticateToServiceConditionAdvice',
  'SessionConditionAdvice',
  'AuthenticationAgeConditionAdvice',
  'TransactionConditionAdvice',
] as const satisfies readonly AdviceName[]

/** `undefined` for what is not well-formed or names an advice that nobody here knows: half an advice would ask for too little. */
export function parseCompositeAdvice(text: string): Advices | undefined {
  const inner = text.length > LONGEST ? undefined : WHOLE.exec(text)?.[1]
  if (inner === undefined) return undefined
  const advices: Partial<Record<AdviceName, readonly string[]>> = {}
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < inner.length) {
    const [, name = '', values = ''] = PAIR.exec(inner) ?? []
    const known = NAMES.find((each) => each === name)
    if (known === undefined) return undefined
    advices[known] = [
      ...(advices[known] ?? []),
      ...[...values.matchAll(VALUE)].map(([, value = '']) => unescaped(value)),
    ]
  }
  return advices
}

function unescaped(value: string): string {
  const characters = new Map<string, string>(
    Object.entries(XML_ENTITIES).map(([character, entity]) => [entity, character]),
  )
  return value.replaceAll(/&[a-z]{2,4};/g, (entity) => characters.get(entity) ?? entity)
}
