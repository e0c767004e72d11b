/** What a form holds, in words for its sender: names, no values. */
export interface FormFields {
  readonly fields: readonly string[]
  readonly files: readonly string[]
}

/** Names that are listed. */
const MOST_NAMES = 20
/** Parts of a multipart body that are looked at. */
const MOST_PARTS = 100
/** Characters of a name that are kept. */
const LONGEST_NAME = 60

const URLENCODED = /^application\/x-www-form-urlencoded\s*(?:;|$)/i
const MULTIPART = /^multipart\/form-data\s*;/i
const BOUNDARY = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i

/** Whether a body of this type is a form that a browser can send again. */
export function isFormType(contentType: string | undefined): contentType is string {
  return contentType !== undefined && (URLENCODED.test(contentType) || MULTIPART.test(contentType))
}

/** The names of what was filled in, each once. Whatever cannot be read is left out: the body itself goes on as it is. */
export function formFields(contentType: string, body: Buffer): FormFields {
  if (URLENCODED.test(contentType)) return { fields: named(namesOf(body.toString('latin1'))), files: [] }
  const parts = partHeads(contentType, body)
  const files = parts.flatMap((head) => parameterOf(head, 'filename') ?? []).filter((name) => name !== '')
  const fields = parts.flatMap((head) =>
    parameterOf(head, 'filename') === undefined ? (parameterOf(head, 'name') ?? []) : [],
  )
  return { fields: named(fields), files: named(files) }
}

function namesOf(text: string): readonly string[] {
  return [...new URLSearchParams(text).keys()]
}

function named(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
    .filter((name) => name !== '')
    .slice(0, MOST_NAMES)
    .map((name) => name.slice(0, LONGEST_NAME))
}

/** The header lines of each part (RFC 7578 §4). */
function partHeads(contentType: string, body: Buffer): readonly string[] {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) return []
  const heads: string[] = []
  const delimiter = `--${boundary}\r\n`
  let at = body.indexOf(delimiter, 0, 'latin1')
  while (at !== -1 && heads.length < MOST_PARTS) {
    const start = at + delimiter.length
    const end = body.indexOf('\r\n\r\n', start, 'latin1')
    if (end === -1) break
    heads.push(body.toString('utf8', start, Math.min(end, start + LONGEST_HEAD)))
    at = body.indexOf(`\r\n${delimiter}`, end, 'latin1')
    if (at !== -1) at += 2
  }
  return heads
}

const LONGEST_HEAD = 2_048

/** HTML, multipart/form-data encoding algorithm: quotes and line ends in a name are percent-encoded. */
function parameterOf(head: string, name: 'name' | 'filename'): string | undefined {
  const line = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? ''
  return new RegExp(`;\\s*${name}="([^"]*)"`, 'i').exec(line)?.[1]?.replaceAll('%22', '"')
}
