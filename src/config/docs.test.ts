import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REFERENCE_FILES } from './reference/files.ts'
import { jsonSchemaOf, type JsonSchema } from './reference/json-schema.ts'
import { referenceOutputs } from './reference/outputs.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const outputs = referenceOutputs()
const page = outputs.get('docs/configuration.md') ?? ''

test('what is committed is what the schemas say; `npm run docs` writes it', () => {
  for (const [path, text] of outputs)
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, `${path}: run npm run docs`)
  const committed = globSync('public/schemas/*', { cwd: ROOT }).sort()
  assert.deepEqual(committed, [...outputs.keys()].filter((path) => path.startsWith('public/')).sort())
})

test('the page has every key of every schema, and every key says what it is', () => {
  for (const { schema, name } of REFERENCE_FILES) {
    const visit = (node: JsonSchema, path: string): void => {
      for (const [key, inner] of Object.entries(node.properties ?? {})) {
        if (inner.const === undefined) assert.ok(page.includes(`\`${key}\``), `${name}: ${path}.${key}`)
        const isVariantKey = node.properties?.['type']?.const !== undefined
        if (!isVariantKey) assert.ok(inner.description, `${name}: ${path}.${key} has no description`)
        visit(inner, `${path}.${key}`)
      }
      const { items, additionalProperties } = node
      const more = [items, additionalProperties, ...(node.oneOf ?? []), ...(node.anyOf ?? [])]
      for (const inner of more) if (typeof inner === 'object') visit(inner, path)
    }
    const root = jsonSchemaOf(schema)
    for (const node of [root, ...Object.values(root.$defs ?? {})]) visit(node, '')
  }
})

test('every link of the page leads to a heading or a file', () => {
  const taken = new Map<string, number>()
  const anchors = new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
      const slug = heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
      const count = taken.get(slug) ?? 0
      taken.set(slug, count + 1)
      return count === 0 ? slug : `${slug}-${count}`
    }),
  )
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target)
  assert.ok(links.length > 20)
  for (const link of links) {
    if (link.startsWith('#')) assert.ok(anchors.has(link.slice(1)), link)
    else assert.ok(outputs.has(join('docs', link)), link)
  }
})

test('recursive schemas refer to definitions that are there, under names that people can read', () => {
  for (const [path, text] of outputs) {
    if (!path.endsWith('.json')) continue
    const schema = JSON.parse(text) as JsonSchema
    for (const [, name = ''] of text.matchAll(/"\$ref": "#\/\$defs\/([^"]+)"/g)) {
      assert.match(name, /^[a-z]+$/)
      assert.ok(schema.$defs?.[name], `${path}: ${name}`)
    }
  }
  const policies = JSON.parse(outputs.get('public/schemas/policies.schema.json') ?? '{}') as JsonSchema
  assert.deepEqual(Object.keys(policies.$defs ?? {}).sort(), ['condition', 'reference', 'subject'])
})

test('an editor accepts a reference where a number or a form is asked for, and the number itself', () => {
  const schema = JSON.parse(outputs.get('public/schemas/gatehouse.schema.json') ?? '{}') as JsonSchema
  const port = schema.properties?.['listeners']?.items?.properties?.['port']
  assert.deepEqual(
    port?.anyOf?.map(({ type, $ref }) => type ?? $ref),
    ['integer', '#/$defs/reference'],
  )
  assert.match('${env:PORT:-8080}', new RegExp(schema.$defs?.['reference']?.pattern ?? '^$'))
})

test('every sample file names the schema that is its own', () => {
  const samples = globSync(['agent-config/*.yaml', 'realms/**/*.yaml'], { cwd: ROOT })
  assert.ok(samples.length >= 13)
  for (const sample of samples) {
    const [, named = ''] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(join(ROOT, sample), 'utf8')) ?? []
    const own =
      sample.startsWith('realms/') || sample.endsWith('gatehouse.yaml')
        ? sample.replace(/^.*\/|\.yaml$/g, '')
        : 'agent-profile'
    assert.equal(named, relative(dirname(sample), `public/schemas/${own}.schema.json`), sample)
  }
})
