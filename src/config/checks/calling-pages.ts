import { loadPart } from '../../errors.ts'
import type { ConfigProblem } from '../snapshot.ts'
import { errorIn, warningIn, type AgentSource, type Check } from './check.ts'
import { hostOf } from './hosts.ts'

/** Sites whose pages may call the login host have to be such that browsers let them. */
export const checkCallingPages: Check = async ({ gatehouse, agents }) => {
  const login = gatehouse?.value.login.url
  const calling = agents.filter(({ value }) => value.callsLoginHost)
  if (login === undefined || calling.length === 0) return []
  const { getDomain } = await loadPart('the list of public suffixes', () => import('tldts'))
  const domainOf = (url: string): string | null => getDomain(hostOf(url), { allowPrivateDomains: true })
  return calling.flatMap((agent): readonly ConfigProblem[] => [
    ...overHttp(agent, login),
    ...(domainOf(agent.value.url) === domainOf(login)
      ? []
      : [
          warningIn(
            agent.source,
            ['callsLoginHost'],
            'the site and the login host are not under one domain, so browsers send no cookie with its calls',
          ),
        ]),
  ])
}

/** Script that came over http may be anybody's on the way. */
function overHttp({ value, source }: AgentSource, login: string): readonly ConfigProblem[] {
  return value.url.startsWith('http:') && login.startsWith('https:')
    ? [
        errorIn(
          source,
          ['callsLoginHost'],
          'pages over http may not call a login host over https; serve the site over https',
        ),
      ]
    : []
}
