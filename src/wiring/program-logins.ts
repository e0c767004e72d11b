import type { RealmName } from '../base/brand.ts'
import { withAgents } from '../api/openam/authenticate/agents.ts'
import {
  createAuthenticate,
  type Authenticate,
  type AuthenticateDeps,
} from '../api/openam/authenticate/authenticate.ts'
import type { ZeroPageRules } from '../api/openam/authenticate/zero-page.schema.ts'
import { createProgramAuthn } from '../authn/authn.ts'
import type { GotoCheck } from '../authn/goto.ts'
import { loginCookies } from '../authn/login-cookies.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createPresentedReader } from '../http/presented.ts'
import type { CompiledAgents } from './agents.ts'
import type { GenerationDeps } from './deps.ts'
import type { LoginHostSessions } from './login-host-sessions.ts'
import { speak } from './speak.ts'

const NO_ZERO_PAGE = { enabled: false, referers: [], allowedWithoutReferer: false }

export interface ProgramLoginParts {
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
  readonly sessions: LoginHostSessions
  readonly checkGoto: GotoCheck
  readonly agents: CompiledAgents
}

/** Whether name and password may come in headers. */
export function zeroPageRulesOf(snapshot: ConfigSnapshot): (realm: RealmName) => ZeroPageRules {
  return (realm) => snapshot.realms.get(realm)?.zeroPageLogin ?? NO_ZERO_PAGE
}

/** Logins of programs: the same chains as behind the pages, and those of agents. */
export function authenticateOf(
  snapshot: ConfigSnapshot,
  { authns, sessions, checkGoto, agents, policiesOf }: ProgramLoginParts & Pick<AuthenticateDeps, 'policiesOf'>,
  deps: GenerationDeps,
): Authenticate {
  const { login, trustedProxies, clientCertificateHeader } = snapshot.gatehouse
  const { sealer, audit, clock } = deps
  const presentedBy = createPresentedReader(trustedProxies, clientCertificateHeader)
  const people = createAuthenticate({
    authn: createProgramAuthn({ ...deps, realms: authns }),
    ...{ sessions, sealer, checkGoto, audit, clock },
    cookies: loginCookies(login.url, { name: login.cookieName, persistent: login.cookiePersistent }),
    presentedBy,
    speak: (asked) => speak(asked, clock),
    zeroPageRules: zeroPageRulesOf(snapshot),
    policiesOf,
    titleOf: (realm) => snapshot.realms.get(realm)?.look.title ?? realm,
    tokensInAddresses: login.tokensInAddresses,
    tokenInBody: login.tokenInBody,
  })
  return withAgents({ agents: agents.login, sealer, presentedBy, people })
}
