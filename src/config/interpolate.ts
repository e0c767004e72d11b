import { parseTemplate, type TemplatePart } from './template.ts'

/** What became of one `${file:PATH}`. */
export type FileAnswer =
  | { readonly kind: 'read'; readonly text: string; readonly worldReadable: boolean }
  | { readonly kind: 'failed'; readonly why: string }

export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called with the path as written, references in it resolved. */
  readonly file: (path: string) => FileAnswer
}

export interface Interpolated {
  /** Only meaningful without problems. */
  readonly text: string
  /** Paths of the files it was made from. */
  readonly files: readonly string[]
  /** What is wrong and what to do; never a value that came from outside, because it may be a secret. */
  readonly problems: readonly string[]
}

/**
 * Puts values in the place of `${env:…}` and `${file:…}`. It works on a scalar that is parsed already and looks at what it put
 * in no further, so a value can neither inject YAML nor name another secret.
 */
export function interpolate(text: string, sources: ReferenceSources): Interpolated {
  const template = parseTemplate(text)
  if (template.kind === 'malformed') return { text: '', files: [], problems: [template.message] }
  const files: string[] = []
  const problems: string[] = []
  const fill = (parts: readonly TemplatePart[]): string => parts.map(fillPart).join('')
  const fillPart = (part: TemplatePart): string => {
    if (part.kind === 'text') return part.text
    return part.kind === 'env' ? fillEnv(part) : fillFile(part)
  }
  const fillEnv = (part: TemplatePart & { kind: 'env' }): string => {
    const value = sources.env[part.name]
    if (value !== undefined && value !== '') return value
    if (part.fallback !== undefined) return fill(part.fallback)
    const state = value === undefined ? 'not set' : 'empty'
    problems.push(
      `environment variable ${part.name} is ${state}; set it, or write a default: \${env:${part.name}:-default}`,
    )
    return ''
  }
  const fillFile = (part: TemplatePart & { kind: 'file' }): string => {
    const found = problems.length
    const path = fill(part.path)
    if (problems.length > found) return ''
    files.push(path)
    const answer = sources.file(path)
    if (answer.kind === 'read') return answer.text
    problems.push(`${part.written} ${answer.why}`)
    return ''
  }
  const filled = fill(template.parts)
  return { text: filled, files, problems }
}
