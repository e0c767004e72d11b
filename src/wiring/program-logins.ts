import type { RealmName } from '../base/brand.ts'
import { createAuthenticate, type Authenticate } from '../api/openam/authenticate/authenticate.ts'
import { createProgramAuthn } from '../authn/authn.ts'
import type { GotoCheck } from '../authn/goto.ts'
import { loginCookies } from '../authn/login-cookies.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { createPresentedReader } from '../http/presented.ts'
import type { GenerationDeps } from './deps.ts'
import type { LoginHostSessions } from './login-host-sessions.ts'
import { speak } from './speak.ts'

export interface ProgramLoginParts {
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
  readonly sessions: LoginHostSessions
  readonly checkGoto: GotoCheck
}

/** Logins of programs: the same chains as behind the pages. */
export function authenticateOf(
  snapshot: ConfigSnapshot,
  { authns, sessions, checkGoto }: ProgramLoginParts,
  deps: GenerationDeps,
): Authenticate {
  const { login, trustedProxies, clientCertificateHeader } = snapshot.gatehouse
  const { sealer, audit, clock } = deps
  return createAuthenticate({
    authn: createProgramAuthn({ ...deps, realms: authns }),
    ...{ sessions, sealer, checkGoto, audit, clock },
    cookies: loginCookies(login.url, { name: login.cookieName, persistent: login.cookiePersistent }),
    presentedBy: createPresentedReader(trustedProxies, clientCertificateHeader),
    speak: (asked) => speak(asked, clock),
    titleOf: (realm) => snapshot.realms.get(realm)?.look.title ?? realm,
    tokensInAddresses: login.tokensInAddresses,
    tokenInBody: login.tokenInBody,
  })
}
