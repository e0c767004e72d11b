import { REFERENCE_FILES, type ReferenceFile } from './files.ts'
import { INTRODUCTION } from './introduction.ts'
import { dereference, jsonSchemaOf, type JsonSchema } from './json-schema.ts'
import { code, defaultWords, isSection, isVariants, typeWords } from './key-words.ts'

/** docs/configuration.md: every key with its type, default and meaning, from the schemas that read the files. */
export function configurationPage(): string {
  const anchors = new Anchors()
  const rows = REFERENCE_FILES.map(({ file, title, about }) => `| \`${file}\` | ${anchors.link(title)} | ${about} |`)
  const files = ['| file | reference | what it says |', '| --- | --- | --- |', ...rows].join('\n')
  const chapters = REFERENCE_FILES.map((file) => new Chapter(file, anchors).text())
  return `${[INTRODUCTION.replace('FILES', files), ...chapters].join('\n\n')}\n`
}

/** Links to headings, with the anchors that GitHub and its like make: the second heading of one spelling gets a number. */
class Anchors {
  readonly #taken = new Set<string>()

  link(heading: string): string {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; this.#taken.has(anchor); count++) anchor = `${slug}-${count}`
    this.#taken.add(anchor)
    return `[${heading}](#${anchor})`
  }
}

interface Section {
  readonly heading: string
  readonly level: number
  readonly node: JsonSchema
}

/** One kind of file: a section for the top and one for each mapping below it, each definition once. */
class Chapter {
  readonly #about: ReferenceFile
  readonly #root: JsonSchema
  readonly #anchors: Anchors
  /** Links to the sections of definitions. */
  readonly #links = new Map<string, string>()

  constructor(about: ReferenceFile, anchors: Anchors) {
    this.#about = about
    this.#anchors = anchors
    this.#root = jsonSchemaOf(about.schema)
  }

  text(): string {
    const { title, file, about, name } = this.#about
    const schema = `JSON Schema: [public/schemas/${name}.schema.json](../public/schemas/${name}.schema.json)`
    const top = `## ${title}\n\n\`${file}\`. ${about}\n\n${schema}`
    return [top, ...this.#keys({ heading: '', level: 2, node: this.#root })].join('\n\n')
  }

  #section(section: Section): string[] {
    const { heading, level, node } = section
    const about = node.description === undefined ? [] : [node.description]
    const title = `${'#'.repeat(Math.min(level, 6))} ${heading}`
    return [title, ...about, ...(isVariants(node) ? this.#variants(section) : this.#keys(section))]
  }

  #keys({ heading, level, node }: Section): string[] {
    const below: Section[] = []
    const rows = Object.entries(node.properties ?? {}).map(([key, inner]) => {
      const path = heading === '' ? key : `${heading}.${key}`
      const type = this.#type(inner, { path, level, below })
      const initial = defaultWords(inner, node.required?.includes(key) ?? false)
      const text = dereference(this.#root, inner).description ?? ''
      return `| ${[code(key), type, initial, text].map(cell).join(' | ')} |`
    })
    const table = ['| key | type | default | what it is |', '| --- | --- | --- | --- |', ...rows].join('\n')
    return [table, ...below.flatMap((section) => this.#section(section))]
  }

  #variants({ heading, level, node }: Section): string[] {
    const below: Section[] = []
    const rows = (node.oneOf ?? []).map((option) => {
      const { type, ...others } = option.properties ?? {}
      const keys = Object.entries(others).map(([key, inner]) => {
        const words = this.#type(inner, { path: `${heading}.${key}`, level, below })
        const initial = defaultWords(inner, option.required?.includes(key) ?? false)
        const otherwise = initial.startsWith('`') ? `default ${initial}` : initial
        return [`${code(key)}: ${words}`, otherwise, inner.description ?? ''].filter((word) => word !== '').join(', ')
      })
      const text = option.description ?? type?.description ?? ''
      return `| ${[code(type?.const), keys.join('<br>'), text].map(cell).join(' | ')} |`
    })
    const table = ['| `type` | further keys | what it is |', '| --- | --- | --- |', ...rows].join('\n')
    return [table, ...below.flatMap((section) => this.#section(section))]
  }

  /** The words for a key's type; mappings in it become sections below, unless they have one already. */
  #type(node: JsonSchema, at: { path: string; level: number; below: Section[] }): string {
    return typeWords(this.#root, node, (section) => {
      return (section.$ref && this.#links.get(section.$ref)) ?? this.#newSection(node, section, at)
    })
  }

  #newSection(node: JsonSchema, section: JsonSchema, at: { path: string; level: number; below: Section[] }): string {
    const { $ref } = section
    const heading = $ref === undefined ? `${at.path}${listMark(node, section)}` : $ref.replace('#/$defs/', '')
    const link = this.#anchors.link(heading)
    if ($ref !== undefined) this.#links.set($ref, link)
    // A key's own description stands in its row already.
    const description = section === node ? undefined : section.description
    at.below.push({ heading, level: at.level + 1, node: { ...dereference(this.#root, section), description } })
    return link
  }
}

/** `[]` for each list and `.NAME` for each mapping of names between the key and the section. */
function listMark(node: JsonSchema, section: JsonSchema): string {
  if (node === section || isSection(node)) return ''
  if (node.items !== undefined) return `[]${listMark(node.items, section)}`
  return typeof node.additionalProperties === 'object' ? `.NAME${listMark(node.additionalProperties, section)}` : ''
}

/** A cell may hold neither a line end nor the bar that ends it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
