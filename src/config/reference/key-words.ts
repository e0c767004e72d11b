import { dereference, type JsonSchema } from './json-schema.ts'

const DURATION = /^\^\\d\{1,9\}\(ms/

/** Whether the node gets a table of its own. */
export function isSection(node: JsonSchema): boolean {
  return Object.keys(node.properties ?? {}).length > 0 || isVariants(node)
}

/** One of several mappings, told apart by `type`. */
export function isVariants(node: JsonSchema): boolean {
  return node.oneOf?.every(({ properties }) => properties?.['type']?.const !== undefined) ?? false
}

/** What kind of value a key takes, in Markdown. `link` makes the name of a section that is described elsewhere. */
export function typeWords(root: JsonSchema, node: JsonSchema, link: (node: JsonSchema) => string): string {
  const found = dereference(root, node)
  if (isSection(found)) return link(node)
  if (found.enum !== undefined) return found.enum.map(code).join(', ')
  if (found.const !== undefined) return code(found.const)
  if (found.anyOf !== undefined) {
    return [...new Set(found.anyOf.map((option) => typeWords(root, option, link)))].join(' or ')
  }
  if (found.items !== undefined) return `list of ${plural(typeWords(root, found.items, link))}`
  if (typeof found.additionalProperties === 'object') {
    return `mapping of names to ${plural(typeWords(root, found.additionalProperties, link))}`
  }
  return scalarWords(found)
}

function scalarWords({ type, pattern, minimum, maximum }: JsonSchema): string {
  if (pattern !== undefined && DURATION.test(pattern)) return 'duration'
  if (type === 'boolean') return '`true` or `false`'
  if (type !== 'integer' && type !== 'number') return 'text'
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`
  if (minimum === undefined) return 'number'
  return most === '' ? `number from ${minimum}` : `number ${minimum}${most}`
}

function plural(words: string): string {
  return words === 'text' ? 'texts' : words
}

/** The value that a key has where it is not written, in Markdown. */
export function defaultWords(node: JsonSchema, required: boolean): string {
  if (required) return '**required**'
  const initial = node.default
  const isEmptySection = typeof initial === 'object' && initial !== null && !Array.isArray(initial) && isEmpty(initial)
  return initial === undefined || isEmptySection ? '' : code(flow(initial))
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}

/** YAML on one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${flow(inner)}`)
    .join(', ')} }`
}

export function code(value: unknown): string {
  return `\`${String(value)}\``
}
