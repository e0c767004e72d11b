import { z } from 'zod'

/** The part of JSON Schema (draft 2020-12) that our schemas use. */
export interface JsonSchema {
  readonly $schema?: string | undefined
  readonly $ref?: string | undefined
  readonly $defs?: Readonly<Record<string, JsonSchema>> | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly type?: string | undefined
  readonly const?: unknown
  readonly enum?: readonly unknown[] | undefined
  readonly default?: unknown
  readonly format?: string | undefined
  readonly pattern?: string | undefined
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
  readonly minItems?: number | undefined
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined
  readonly required?: readonly string[] | undefined
  readonly additionalProperties?: boolean | JsonSchema | undefined
  readonly propertyNames?: JsonSchema | undefined
  readonly items?: JsonSchema | undefined
  readonly anyOf?: readonly JsonSchema[] | undefined
  readonly oneOf?: readonly JsonSchema[] | undefined
}

/** What may be written in a file that the schema reads. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }))
  let named = text
  for (const [ref, key] of definitionKeys(JSON.parse(text) as JsonSchema, new Map())) {
    const generated = ref.replace(DEFINITIONS, '')
    named = named
      .replaceAll(`${DEFINITIONS}${generated}"`, `${DEFINITIONS}${key}"`)
      .replace(`"${generated}":`, `"${key}":`)
  }
  return JSON.parse(named) as JsonSchema
}

const DEFINITIONS = '#/$defs/'

/** What recursive schemas are called: the key under which each is first met. */
function definitionKeys(node: JsonSchema, found: Map<string, string>): Map<string, string> {
  for (const [key, { $ref }] of Object.entries(node.properties ?? {})) {
    if ($ref !== undefined && !found.has($ref)) found.set($ref, key)
  }
  for (const inner of [...Object.values(node.properties ?? {}), node.items]) if (inner) definitionKeys(inner, found)
  return found
}

/** Follows `$ref` into `$defs`; the place's own description wins. */
export function dereference(root: JsonSchema, node: JsonSchema): JsonSchema {
  if (node.$ref === undefined) return node
  const target = root.$defs?.[node.$ref.replace(DEFINITIONS, '')] ?? {}
  return { ...target, description: node.description ?? target.description }
}

/** The schemas one of which a value has to meet; the node itself where there is no choice. */
export function alternatives(root: JsonSchema, node: JsonSchema): readonly JsonSchema[] {
  const found = dereference(root, node)
  return (found.oneOf ?? found.anyOf ?? [found]).map((option) => dereference(root, option))
}

/** The schemas that apply at a path of a value; where its `type` chooses one of several, only that one. */
export function schemasAt(root: JsonSchema, path: readonly PropertyKey[], value: unknown): readonly JsonSchema[] {
  let nodes = chosen(alternatives(root, root), value)
  let here = value
  for (const step of path) {
    here = memberOf(here, step)
    nodes = nodes.flatMap((node) => stepInto(node, step)).flatMap((node) => alternatives(root, node))
    nodes = chosen(nodes, here)
  }
  return nodes
}

export function memberOf(value: unknown, step: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
  return (value as Readonly<Record<PropertyKey, unknown>>)[step]
}

function chosen(nodes: readonly JsonSchema[], value: unknown): readonly JsonSchema[] {
  const type = memberOf(value, 'type')
  const fitting = nodes.filter((node) => node.properties?.['type']?.const === type)
  return type !== undefined && fitting.length > 0 ? fitting : nodes
}

function stepInto(node: JsonSchema, step: PropertyKey): readonly JsonSchema[] {
  if (typeof step === 'number') return node.items === undefined ? [] : [node.items]
  const named = node.properties?.[String(step)]
  if (named !== undefined) return [named]
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []
}
