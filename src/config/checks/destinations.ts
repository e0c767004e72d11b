import type { Path } from '../locator.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { errorIn, warningIn, type AgentSource, type Check, type CheckInput } from './check.ts'

interface Sending {
  readonly path: Path
  readonly to: string
  /** Whether who is sent there has a session. */
  readonly signedIn: boolean
}

/** Wherever a profile sends people. */
function sendings({ value }: AgentSource): readonly Sending[] {
  const goto = value.logout?.goto
  const { accessDenied } = value.answers
  return [
    ...(goto === undefined || goto === 'signed-out' ? [] : [{ path: ['logout', 'goto'], to: goto, signedIn: false }]),
    ...(accessDenied === undefined ? [] : [{ path: ['answers', 'accessDenied'], to: accessDenied, signedIn: true }]),
  ]
}

/** People are sent to hosts of the configuration and nowhere else (open redirects); and not to a page that sends them on. */
export const checkDestinations: Check = (input) => {
  const origins = originsOf(input)
  return input.agents.flatMap((agent) => sendings(agent).flatMap((sending) => problemOf(agent, sending, origins)))
}

function originsOf({ gatehouse, agents }: CheckInput): ReadonlySet<string> {
  const login = gatehouse === undefined ? [] : [new URL(gatehouse.value.login.url).origin]
  return new Set([...login, ...agents.map(({ value }) => value.url)])
}

function problemOf(
  { value, source }: AgentSource,
  { path, to, signedIn }: Sending,
  origins: ReadonlySet<string>,
): readonly ConfigProblem[] {
  if (!to.startsWith('/')) {
    if (origins.has(new URL(to).origin)) return []
    return [
      errorIn(source, path, 'nobody is sent to hosts that are not the url of a site here or the login host; name one'),
    ]
  }
  if (signedIn || isOpen(value.notEnforced, to)) return []
  const message =
    'this path needs a session, and who is sent there has none any more: they end at the login; add it to notEnforced'
  return [warningIn(source, path, message)]
}

function isOpen(entries: AgentSource['value']['notEnforced'], to: string): boolean {
  const [path = ''] = to.split('?', 1)
  return entries.some((entry) =>
    entry.path.endsWith('*') ? path.startsWith(entry.path.slice(0, -1)) : path === entry.path,
  )
}
