import type { IncomingMessage } from 'node:http'

/** Who the gateway says is there. Trusted as it stands, because only the gateway on this machine can reach the application. */
export interface Identity {
  readonly user: string | undefined
  readonly groups: readonly string[]
}

export function identityOf(request: IncomingMessage): Identity {
  const user = headerText(request, 'x-remote-user')
  const groups = headerText(request, 'x-remote-groups')
  return {
    user: user === undefined ? undefined : decode(user),
    groups:
      groups === undefined
        ? []
        : groups
            .split(',')
            .map((group) => decode(group.trim()))
            .filter((group) => group !== ''),
  }
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  const text = Array.isArray(value) ? value.join(',') : value
  return text === '' ? undefined : text
}

/** The gateway percent-encodes what is not ASCII; a value that was not encoded stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Every header in the order and spelling in which it came, duplicates included. */
export function headersOf(request: IncomingMessage): readonly (readonly [name: string, value: string])[] {
  const pairs: (readonly [string, string])[] = []
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    pairs.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? ''])
  }
  return pairs
}

const LONGEST_SHOWN = 160

/** Headers whose values open something. */
const SECRET = /authorization|cookie|token|assertion|secret|api-?key/i

/** On a page secrets and very long values are cut: a screenshot of a demo should open nothing. */
export function shorten(name: string, value: string): string {
  const longest = SECRET.test(name) ? 16 : LONGEST_SHOWN
  return value.length <= longest ? value : `${value.slice(0, Math.min(24, longest))}… (${value.length} characters)`
}
