import { createHash } from 'node:crypto'

/** One thing the configuration was made of. */
export interface DigestPart {
  readonly kind: 'file' | 'referenced' | 'missing'
  readonly name: string
  readonly content: string | Uint8Array
}

/** Changes when and only when some part comes, goes or changes. Lengths go in too, so that no two lists read alike. */
export function digestOf(parts: readonly DigestPart[]): string {
  const hash = createHash('sha256')
  const ordered = [...parts].sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1))
  for (const { kind, name, content } of ordered) {
    hash.update(JSON.stringify([kind, name, Buffer.byteLength(content)]))
    hash.update(content)
  }
  return hash.digest('base64url')
}
