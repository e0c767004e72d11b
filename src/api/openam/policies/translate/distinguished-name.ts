/** What OpenAM's name of a person or group says. */
export interface UniversalName {
  readonly kind: string
  readonly name: string
  /** `/` for the root. */
  readonly realm: string
}

/** Reads `id=NAME,ou=user,o=REALM,ou=services,…` (RFC 4514); `undefined` for what is no such name. */
export function readUniversalName(text: string): UniversalName | undefined {
  const parts = rdnsOf(text)
  const [first, second] = parts ?? []
  if (parts === undefined || first?.type !== 'id' || first.value === '' || second?.type !== 'ou') return undefined
  const rest = parts.slice(2)
  const end = rest.findIndex(({ type }) => type !== 'o')
  const isBelow = end > 0 && rest[end]?.type === 'ou' && rest[end].value.toLowerCase() === 'services'
  const realms = isBelow ? rest.slice(0, end).map(({ value }) => value) : []
  return { kind: second.value.toLowerCase(), name: first.value, realm: `/${realms.reverse().join('/')}` }
}

interface Rdn {
  readonly type: string
  readonly value: string
}

/** RFC 4514 §3, without names of several attributes. */
function rdnsOf(text: string): readonly Rdn[] | undefined {
  const found: Rdn[] = []
  for (const part of text.match(/(?:[^,\\]|\\[^])+/g) ?? []) {
    const sign = part.indexOf('=')
    if (sign < 1) return undefined
    const value = unescaped(part.slice(sign + 1))
    if (value === undefined) return undefined
    found.push({ type: part.slice(0, sign).trim().toLowerCase(), value })
  }
  return found
}

function unescaped(text: string): string | undefined {
  const trimmed = text.trimStart().replace(/(?<!\\) +$/, '')
  if (/(?<!\\)(?:\\\\)*[+;"<>]/.test(trimmed) && trimmed.includes('+')) return undefined
  try {
    return trimmed.replaceAll(/(?:\\[0-9a-f]{2})+|\\([^])/gi, (whole, single: string | undefined) =>
      single === undefined ? decodeURIComponent(whole.replaceAll('\\', '%')) : single,
    )
  } catch {
    return undefined
  }
}
