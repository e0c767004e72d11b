import { z } from 'zod'

/** A token as RFC 6265 §4.1.1 has it, without the characters that applications and proxies are known to trip over. */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/

/** How a preset names the cookie of a host and its port; `undefined` takes the login host's name. */
type Naming = (host: string, port: number) => string | undefined

/**
 * Names that programs in front of and beside a site know from other products. `:` may not stand in a cookie's name (RFC 6265
 * §4.1.1, RFC 2616 §2.2), so what WebGates write as `host:port` is `host_port`.
 */
const PRESETS = {
  gatehouse: () => undefined,
  openam: () => 'iPlanetDirectoryPro',
  'oracle-10g': () => 'ObSSOCookie',
  'oracle-11g': (host, port) => `OAMAuthnCookie_${host.replace(/[^a-z0-9.-]/g, '_')}_${port}`,
} as const satisfies Record<string, Naming>

/** Names the cookie after one host, so it cannot be that of several. */
const PER_HOST: keyof typeof PRESETS = 'oracle-11g'

const domainName = z.string().regex(/^[a-z0-9.-]+$/)

export const agentCookieSchema = z
  .strictObject({
    preset: z
      .enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[])
      .default('gatehouse')
      .describe(
        "Whose name the cookie has: the login host's (`gatehouse`), `iPlanetDirectoryPro` (`openam`), `ObSSOCookie` (`oracle-10g`) or `OAMAuthnCookie_HOST_PORT` (`oracle-11g`). Over https `__Host-` stands before it unless there is a `domain`. With all of them the cookie is HttpOnly, SameSite=Lax, for the path / and, over https, Secure, and goes when the browser closes; the other keys change that.",
      ),
    name: z.string().regex(NAME).optional().describe("Name of the agent's cookie instead of the preset's."),
    domain: z
      .union([domainName, z.array(domainName).min(1).max(32)], 'write one domain or a list of them: acme.example')
      .optional()
      .describe(
        'Share the cookie with all agents that name the same domain and cookie (classic SSO); needs a name of its own, by `name` or a preset. Of several domains the one that covers the host in `url` counts, so that all profiles may have the same list. What it costs: docs/security.md.',
      ),
    path: z
      .literal('/', "the cookie has to reach all of the site and /.gatehouse/, so its path is '/'")
      .default('/')
      .describe('Always `/`: a session that only a part of the site can see would be asked for again in the others.'),
    sameSite: z
      .enum(
        ['lax', 'none'],
        'write lax or none: with strict, people who come from a link or the login host would have no session',
      )
      .default('lax')
      .describe(
        'With which requests of other sites browsers send the cookie: `lax`, with navigations only; `none`, with all of them, for sites that others show in frames; needs https, and the application has to tell forged requests itself.',
      ),
    persistent: z
      .boolean()
      .default(false)
      .describe(
        "Keep the cookie when the browser closes (Expires and Max-Age): until the session's maximum life is over, whatever its idle time says. Sign-out takes it away.",
      ),
  })
  .prefault({})
  .describe("The cookie that carries the agent's restricted token: name, and with whom browsers share it.")

/** As much of an agent's profile as says what its cookie is. */
export interface CookieOwner {
  readonly url: string
  readonly cookie: z.infer<typeof agentCookieSchema>
}

/** The cookie of one agent, presets filled in. */
export interface AgentCookie {
  /** Without `__Host-`. */
  readonly name: string
  /** Whether the name is the agent's own choice and not the login host's. */
  readonly isNamed: boolean
  /** Whether the name stands for one host and port. */
  readonly isPerHost: boolean
  /** The one that covers the site's host; `undefined` for a host-only cookie. */
  readonly domain: string | undefined
}

/** Which cookie an agent has; `loginName` is that of the login host, without prefix. */
export function agentCookieOf({ url, cookie }: CookieOwner, loginName: string): AgentCookie {
  const { protocol, hostname, port } = new URL(url)
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const chosen = cookie.name ?? PRESETS[cookie.preset](hostname, number)
  return {
    name: chosen ?? loginName,
    isNamed: chosen !== undefined,
    isPerHost: cookie.name === undefined && cookie.preset === PER_HOST,
    domain: domainsOf(cookie).find((domain) => covers(domain, hostname)),
  }
}

export function domainsOf({ domain = [] }: CookieOwner['cookie']): readonly string[] {
  return typeof domain === 'string' ? [domain] : domain
}

/** Whether browsers send a cookie of the domain to the host (RFC 6265 §5.1.3). */
export function covers(domain: string, host: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}
