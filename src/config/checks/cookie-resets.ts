import { agentCookieOf, covers } from '../../gateway/agent-cookie.schema.ts'
import { hostOf } from './hosts.ts'
import { errorIn, type AgentSource, type Check } from './check.ts'

/** In lower case, without what browsers read into a name. */
function bare(name: string): string {
  return name.toLowerCase().replace(/^__(?:host|secure)-/, '')
}

/** Forgetting a cookie of ours would sign people out, or have them sign in for ever; other sites' cookies are none of ours to forget. */
export const checkCookieResets: Check = ({ gatehouse, agents }) => {
  const login = gatehouse?.value.login.cookieName ?? ''
  const taken = new Set([login, ...agents.map(({ value }) => agentCookieOf(value, login).name)].map(bare))
  return agents.flatMap((agent) =>
    (['login', 'logout'] as const).flatMap((kind) =>
      agent.value.cookieReset[kind].flatMap((reset, index) => {
        const message = faultOf(agent, reset, taken)
        return message === undefined ? [] : [errorIn(agent.source, ['cookieReset', kind, index], message)]
      }),
    ),
  )
}

function faultOf(
  { value: { url } }: AgentSource,
  { name, domain }: { readonly name: string; readonly domain?: string | undefined },
  taken: ReadonlySet<string>,
): string | undefined {
  if (taken.has(bare(name)) || bare(name).startsWith('gatehouse-'))
    return `${name} is a cookie of the gateway's own, which it clears itself; name the application's`
  if (domain !== undefined && !covers(domain, hostOf(url)))
    return `browsers take no cookie of ${domain} from ${hostOf(url)}; write the site's host or a parent of it`
  if (bare(name) !== name.toLowerCase() && !url.startsWith('https:'))
    return `browsers know no cookie with such a prefix over http; write ${name.replace(/^__[^-]*-/, '')}`
  return undefined
}
