/** A text with references to the environment and to files, parsed. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string; readonly fallback: readonly TemplatePart[] | undefined }
  | { readonly kind: 'file'; readonly path: readonly TemplatePart[]; readonly written: string }

export type ParsedTemplate =
  | { readonly kind: 'parsed'; readonly parts: readonly TemplatePart[] }
  | { readonly kind: 'malformed'; readonly message: string }

const MAX_DEPTH = 8
const FORMS = 'write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}, or $${ for the two characters themselves'

/** Whether the text has anything in it that {@link parseTemplate} would not return as it is. */
export function isTemplate(text: string): boolean {
  return text.includes('${')
}

/** A text written so that {@link parseTemplate} gives it back: what others wrote must name no secret. */
export function literally(text: string): string {
  return text.replaceAll('${', () => '$${')
}

/** Parses `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `$${`; defaults and paths may hold references themselves. */
export function parseTemplate(text: string): ParsedTemplate {
  const parser = new TemplateParser(text)
  const parts = parser.parts(0)
  return parser.problem === undefined ? { kind: 'parsed', parts } : { kind: 'malformed', message: parser.problem }
}

class TemplateParser {
  readonly #text: string
  #at = 0
  problem: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Up to the end of the text, or inside a reference up to and including its closing brace. */
  parts(depth: number): TemplatePart[] {
    const parts: TemplatePart[] = []
    let literal = ''
    while (this.#at < this.#text.length && this.problem === undefined) {
      if (this.#take('$${')) literal += '${'
      else if (this.#take('${')) {
        if (literal !== '') parts.push({ kind: 'text', text: literal })
        literal = ''
        const part = this.#reference(depth + 1)
        if (part !== undefined) parts.push(part)
      } else if (depth > 0 && this.#take('}')) {
        return literal === '' ? parts : [...parts, { kind: 'text', text: literal }]
      } else literal += this.#text[this.#at++] ?? ''
    }
    if (depth > 0) this.#fail(`a reference is not closed with }; ${FORMS}`)
    return literal === '' ? parts : [...parts, { kind: 'text', text: literal }]
  }

  #reference(depth: number): TemplatePart | undefined {
    if (depth > MAX_DEPTH) return this.#fail('references are nested too deeply')
    const start = this.#at - 2
    if (this.#take('file:')) {
      const path = this.parts(depth)
      if (path.length === 0) return this.#fail(`a path is missing; ${FORMS}`)
      return { kind: 'file', path, written: this.#text.slice(start, this.#at) }
    }
    if (!this.#take('env:')) return this.#fail(`unknown reference; ${FORMS}`)
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.#text.slice(this.#at, this.#at + 256))?.[0]
    if (name === undefined) return this.#fail(`a variable's name is missing; ${FORMS}`)
    this.#at += name.length
    if (this.#take(':-')) return { kind: 'env', name, fallback: this.parts(depth) }
    if (this.#take('}')) return { kind: 'env', name, fallback: undefined }
    return this.#fail(`a reference is malformed after the name ${name}; ${FORMS}`)
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #fail(message: string): TemplatePart | undefined {
    this.problem ??= message
    return undefined
  }
}
