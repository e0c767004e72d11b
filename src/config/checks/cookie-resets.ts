import { covers } from '../../gateway/agent-cookie.schema.ts'
import { bareName } from '../../http/cookies.ts'
import { errorIn, type AgentSource, type Check } from './check.ts'
import { hostOf } from './hosts.ts'
import { ownCookies } from './own-cookies.ts'

/** Forgetting a cookie of ours would sign people out, or have them sign in for ever; other sites' cookies are none of ours to forget. */
export const checkCookieResets: Check = (input) => {
  const isOurs = ownCookies(input)
  return input.agents.flatMap((agent) =>
    (['login', 'logout'] as const).flatMap((kind) =>
      agent.value.cookieReset[kind].flatMap((reset, index) => {
        const message = faultOf(agent, reset, isOurs)
        return message === undefined ? [] : [errorIn(agent.source, ['cookieReset', kind, index], message)]
      }),
    ),
  )
}

function faultOf(
  { value: { url } }: AgentSource,
  { name, domain }: { readonly name: string; readonly domain?: string | undefined },
  isOurs: (name: string) => boolean,
): string | undefined {
  if (isOurs(name)) return `${name} is a cookie of the gateway's own, which it clears itself; name the application's`
  if (domain !== undefined && !covers(domain, hostOf(url)))
    return `browsers take no cookie of ${domain} from ${hostOf(url)}; write the site's host or a parent of it`
  if (bareName(name) !== name.toLowerCase() && !url.startsWith('https:'))
    return `browsers know no cookie with such a prefix over http; write ${name.replace(/^__[^-]*-/, '')}`
  return undefined
}
