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

const LONGEST_SHOWN = 96

/** Long values on a page (tokens, assertions, cookies) are cut: a screenshot of a demo should open nothing. */
export function shorten(value: string): string {
  return value.length <= LONGEST_SHOWN ? value : `${value.slice(0, 24)}… (${value.length} characters)`
}
