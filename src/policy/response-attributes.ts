import type { AccessQuery } from './decision.ts'
import type { ResponseAttributeConfig } from './response-attributes.schema.ts'

type Attributes = Record<string, readonly string[]>

/** Adds what one policy says about the user to what others have said: of one name all values, each once. */
export type ResponseAttributes = (query: AccessQuery, attributes: Attributes) => void

export function compileResponseAttributes(configs: readonly ResponseAttributeConfig[]): ResponseAttributes | undefined {
  if (configs.length === 0) return undefined
  const sources = configs.map(({ propertyName, ...config }) => ({ propertyName, read: reader(propertyName, config) }))
  return (query, attributes) => {
    for (const { propertyName, read } of sources) {
      const values = read(query)
      if (values.length === 0) continue
      const known = Object.hasOwn(attributes, propertyName) ? (attributes[propertyName] ?? []) : []
      const united = [...new Set([...known, ...values])]
      // A name of the configuration may be one of those that every object has.
      Object.defineProperty(attributes, propertyName, {
        value: united,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
  }
}

function reader(
  name: string,
  { type, propertyValues }: Omit<ResponseAttributeConfig, 'propertyName'>,
): (query: AccessQuery) => readonly string[] {
  const [from = name] = propertyValues
  switch (type) {
    case 'Static':
      return () => propertyValues
    case 'User':
      return ({ facts }) => (Object.hasOwn(facts.attributes, from) ? (facts.attributes[from] ?? []) : [])
    case 'Session':
      return ({ session: { properties } }) => {
        const value = Object.hasOwn(properties, from) ? properties[from] : undefined
        return value === undefined ? [] : [value]
      }
  }
}
