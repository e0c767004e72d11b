import type { Address } from './address.ts'
import type { ZeroPageRules } from './authenticate/zero-page.schema.ts'
import { ok, problem, type Reply } from './reply.ts'

export interface ServerFacts {
  readonly host: string
  readonly cookieName: string
  /** Domains of cookies beside the host's own. */
  readonly domains: readonly string[]
  readonly secure: boolean
  readonly zeroPage: ZeroPageRules
  /** The product's version. */
  readonly version: string
}

/** `GET …/serverinfo/*` and `/version`: what a client has to know before it can talk to us. Open to everybody. */
export function serverInfo(facts: ServerFacts, { id, realm }: Address): Reply {
  const { host, cookieName, domains, secure, version, zeroPage } = facts
  if (id === 'version') return ok({ _id: 'version', _rev: version, version, fullVersion: `Gatehouse ${version}` })
  if (id !== '*') return problem(404)
  return ok({
    _id: '*',
    // The SSO cookie is the login host's own. Only agents of OpenAM's may share one, which is another.
    domains: [host, ...domains],
    protectedUserAttributes: [],
    cookieName,
    secureCookie: secure,
    cookieHttpOnly: true,
    forgotPassword: 'false',
    forgotUsername: 'false',
    kbaEnabled: 'false',
    selfRegistration: 'false',
    lang: 'en-US',
    successfulUserRegistrationDestination: 'default',
    socialImplementations: [],
    referralsEnabled: 'false',
    zeroPageLogin: {
      enabled: zeroPage.enabled,
      refererWhitelist: zeroPage.referers,
      allowedWithoutReferer: zeroPage.allowedWithoutReferer,
    },
    realm,
    xuiUserSessionValidationEnabled: true,
    FQDN: host,
  })
}
