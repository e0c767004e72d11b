import { checkAgentsAsClients, checkClients } from './checks/clients.ts'
import { checkMessengers } from './checks/messengers.ts'
import {
  checkAgentIds,
  checkAgentRealms,
  checkIdentityHeaders,
  checkLoginRules,
  checkSomethingIsProtected,
} from './checks/agents.ts'
import { checkCallingPages } from './checks/calling-pages.ts'
import { checkCertificates } from './checks/certificates.ts'
import type { Check, CheckInput } from './checks/check.ts'
import {
  checkCookieDomains,
  checkCookieNames,
  checkCookieOverlap,
  checkCookiePersistence,
  checkCookieSameSite,
} from './checks/cookies.ts'
import { checkCookieResets } from './checks/cookie-resets.ts'
import { checkDeadRules } from './checks/dead-rules.ts'
import { checkClientNames, checkDemands, checkPartnerConditions, checkWeakerChains } from './checks/demands.ts'
import { checkDestinations } from './checks/destinations.ts'
import { checkDialects } from './checks/dialects.ts'
import { checkHosts } from './checks/hosts.ts'
import { checkDemoUsers, checkForwardAuth, checkListeners, checkSchemes } from './checks/listeners.ts'
import { checkAgentOpenId } from './checks/agent-openid.ts'
import { checkAgentsAsPartners } from './checks/agent-partners.ts'
import { checkAnonymousName } from './checks/anonymous.ts'
import {
  checkAgentCertificates,
  checkAgentLogins,
  checkAgentSecrets,
  checkCdcServlet,
  checkEnforcement,
  checkOpenAmCookieReach,
  checkOpenAmCookies,
} from './checks/openam-agents.ts'
import { checkEnvironment, checkIdentityCookies, checkResponseSources } from './checks/identity.ts'
import { checkPasskeyHost, checkPasskeyTwice } from './checks/passkeys.ts'
import { checkPartnerPolicies } from './checks/partner-policies.ts'
import { checkProviderLinks, checkProviderModules, checkProviderRules, checkSamlProviders } from './checks/providers.ts'
import { checkQuotas } from './checks/quotas.ts'
import {
  checkChains,
  checkDirectories,
  checkLogos,
  checkPasswordHashes,
  checkPolicyNames,
  checkRequestTokens,
  checkUserNames,
} from './checks/realms.ts'
import { checkSamlPartners } from './checks/saml-partners.ts'
import { checkSecrets } from './checks/secrets.ts'
import { checkSso } from './checks/sso.ts'
import { checkStoreUrl } from './checks/store.ts'
import type { ConfigProblem } from './snapshot.ts'

const CHECKS: readonly Check[] = [
  checkAgentIds,
  checkAgentRealms,
  checkEnforcement,
  checkAgentSecrets,
  checkAgentCertificates,
  checkAgentLogins,
  checkOpenAmCookies,
  checkOpenAmCookieReach,
  checkCdcServlet,
  checkAgentOpenId,
  checkAgentsAsPartners,
  checkIdentityHeaders,
  checkIdentityCookies,
  checkResponseSources,
  checkEnvironment,
  checkDestinations,
  checkLoginRules,
  checkCallingPages,
  checkSomethingIsProtected,
  checkHosts,
  checkCookieDomains,
  checkCookieNames,
  checkCookieOverlap,
  checkCookieSameSite,
  checkCookiePersistence,
  checkCookieResets,
  checkChains,
  checkRequestTokens,
  checkWeakerChains,
  checkDemands,
  checkClientNames,
  checkAnonymousName,
  checkPartnerPolicies,
  checkPartnerConditions,
  checkPasskeyHost,
  checkPasskeyTwice,
  checkPolicyNames,
  checkProviderModules,
  checkProviderLinks,
  checkProviderRules,
  checkSamlProviders,
  checkDeadRules,
  checkDirectories,
  checkUserNames,
  checkPasswordHashes,
  checkClients,
  checkSamlPartners,
  checkAgentsAsClients,
  checkSso,
  checkCertificates,
  checkMessengers,
  checkLogos,
  checkQuotas,
  checkListeners,
  checkForwardAuth,
  checkSchemes,
  checkDemoUsers,
  checkSecrets,
  checkStoreUrl,
  checkDialects,
]

/** Everything that no single file's schema can judge, all problems at once. */
export async function crossCheck(input: CheckInput): Promise<readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const check of CHECKS) problems.push(...(await check(input)))
  return problems
}
