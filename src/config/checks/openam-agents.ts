import { X509Certificate } from 'node:crypto'
import { isPasswordHash } from '../../crypto/password-hash.ts'
import { agentCookieOf, covers } from '../../gateway/agent-cookie.schema.ts'
import { hostOf } from './hosts.ts'
import { errorIn, placeOf, repeated, warningIn, type AgentSource, type Check } from './check.ts'

/** Something has to stand in front of the site. */
export const checkEnforcement: Check = ({ agents }) =>
  agents
    .filter(({ value }) => value.upstream === undefined && value.openam === undefined && value.client === undefined)
    .map(({ source }) =>
      errorIn(
        source,
        [],
        "name the application behind the gateway (upstream), or give the agent of OpenAM's (openam) or the gateway elsewhere (client) that protects the site credentials",
      ),
    )

/** `serverinfo` tells all of OpenAM's agents one name for the cookie that they look at. */
export const checkOpenAmCookies: Check = ({ gatehouse, agents }) => {
  if (gatehouse === undefined) return []
  const { cookieName } = gatehouse.value.login
  const [first, ...others] = agents.filter(isAgentAlone)
  if (first === undefined) return []
  const { name } = agentCookieOf(first.value, cookieName)
  return others
    .filter(({ value }) => agentCookieOf(value, cookieName).name !== name)
    .map(({ source }) =>
      errorIn(
        source,
        ['cookie'],
        `agents of OpenAM's learn one cookie name, and that of ${placeOf(first.source, ['cookie'])} is "${name}"; give this one the same`,
      ),
    )
}

/** What OpenAM's agents ask for by REST to sign in, whatever a realm has by that name. */
const OF_AGENTS = [
  ['chains', 'Agent', 'a chain'],
  ['modules', 'Application', 'a module'],
] as const

export const checkAgentLogins: Check = ({ realms }) =>
  realms.flatMap(({ realm }) =>
    OF_AGENTS.flatMap(([kind, name, what]) => {
      if (realm === undefined || !Object.hasOwn(realm.value.authentication[kind], name)) return []
      const message = `OpenAM's agents ask by REST for ${what} called ${name} to sign in, so programs cannot ask for this one; give it another name`
      return [warningIn(realm.source, ['authentication', kind, name], message)]
    }),
  )

/** Who holds the token that `/cdcservlet` hands out is that person at the site; it must not travel in the clear. */
export const checkCdcServlet: Check = ({ agents }) =>
  agents
    .filter(({ value: { openam, url } }) => openam?.cdcservlet === true && !url.startsWith('https:'))
    .map(({ source }) =>
      warningIn(
        source,
        ['openam', 'cdcservlet'],
        'the token of every person who signs in here travels over plain http; make the site https',
      ),
    )

export const checkAgentSecrets: Check = ({ agents }) =>
  agents
    .filter(({ value: { openam } }) => openam?.secret !== undefined && !isPasswordHash(openam.secret))
    .map(({ source }) =>
      errorIn(
        source,
        ['openam', 'secret'],
        'this is no usable argon2id hash; paste what `gatehouse hash-password` prints',
      ),
    )

/** Whoever shows a certificate is one agent. */
export const checkAgentCertificates: Check = ({ agents }) => {
  const pinned = agents.flatMap(({ value, source }) =>
    (value.openam?.certificates ?? []).map((pem, index) => ({
      key: new X509Certificate(pem).fingerprint256,
      source,
      path: ['openam', 'certificates', index],
    })),
  )
  return repeated(pinned).map(({ entry, first }) =>
    errorIn(
      entry.source,
      entry.path,
      `this certificate is there already (${placeOf(first.source, first.path)}); each agent has its own`,
    ),
  )
}

/** The login host sets the cookie that such an agent shares, and browsers take it for the host's own domain alone. */
export const checkOpenAmCookieReach: Check = ({ gatehouse, agents }) => {
  if (gatehouse === undefined) return []
  const { url, cookieName } = gatehouse.value.login
  return agents.filter(isAgentAlone).flatMap(({ value, source }) => {
    const { domain } = agentCookieOf(value, cookieName)
    if (domain === undefined || covers(domain, hostOf(url))) return []
    const message = `the login host sets this cookie, and ${hostOf(url)} is not below the domain; leave the domain out and use openam.cdcservlet`
    return [errorIn(source, ['cookie', 'domain'], message)]
  })
}

/** Nothing of ours stands in front of the site. */
function isAgentAlone({ value }: AgentSource): boolean {
  return value.openam !== undefined && value.upstream === undefined
}
