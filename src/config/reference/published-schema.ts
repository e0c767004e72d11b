import type { ReferenceFile } from './files.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'

/** A value that is filled in when the file is read, so an editor cannot judge it. */
const REFERENCE: JsonSchema = {
  description: 'Filled in when the file is read: ${env:NAME}, ${env:NAME:-default} or ${file:PATH}.',
  type: 'string',
  pattern: '\\$\\{(env|file):',
}

/** The JSON Schema that editors use for one kind of file, as text. */
export function publishedSchema({ title, about, schema }: ReferenceFile): string {
  const { $schema, $defs = {}, ...rest } = withReferences(jsonSchemaOf(schema))
  const published = {
    $schema,
    title: `Gatehouse: ${title}`,
    description: about,
    ...rest,
    $defs: { ...$defs, reference: REFERENCE },
  }
  return `${JSON.stringify(published, undefined, 2)}\n`
}

/** Wherever a value has to have some form, a reference may stand as well. */
function withReferences(node: JsonSchema): JsonSchema {
  if (needsAlternative(node)) {
    const { description, default: initial, ...form } = tidy(node)
    return { description, default: initial, anyOf: [form, { $ref: '#/$defs/reference' }] }
  }
  const { additionalProperties } = node
  return {
    ...node,
    properties: mapValues(node.properties),
    $defs: mapValues(node.$defs),
    items: node.items && withReferences(node.items),
    anyOf: node.anyOf?.map(withReferences),
    oneOf: node.oneOf?.map(withReferences),
    additionalProperties:
      typeof additionalProperties === 'object' ? withReferences(additionalProperties) : additionalProperties,
  }
}

function needsAlternative(node: JsonSchema): boolean {
  if (node.const !== undefined) return false
  if (node.enum !== undefined || ['integer', 'number', 'boolean'].includes(node.type ?? '')) return true
  return (
    node.type === 'string' && (node.pattern !== undefined || node.format !== undefined || node.maxLength !== undefined)
  )
}

/** Without the largest exact number of JavaScript, which says nothing to people. */
function tidy(node: JsonSchema): JsonSchema {
  return node.maximum === Number.MAX_SAFE_INTEGER ? { ...node, maximum: undefined } : node
}

function mapValues(nodes: Readonly<Record<string, JsonSchema>> | undefined): Record<string, JsonSchema> | undefined {
  return nodes && Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key, withReferences(node)]))
}
