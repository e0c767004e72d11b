/** The session property that names the chains its user has passed, in OpenAM's form: `Service`, separated by `|`. */
const PROPERTY = 'Service'

type Properties = Readonly<Record<string, string>>

export function chainsPassed(properties: Properties): readonly string[] {
  const text = Object.hasOwn(properties, PROPERTY) ? properties[PROPERTY] : undefined
  return text === undefined ? [] : text.split('|')
}

/** What a session remembers once its user has passed `chain` as well. */
export function withChain(properties: Properties, chain: string): Properties {
  return { [PROPERTY]: [...new Set([...chainsPassed(properties), chain])].join('|') }
}
