import { MOST_CERTIFICATES } from '../../../http/presented.ts'
import { fault } from '../../../errors.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, FailureReason, ModuleOutcome } from '../module.ts'
import { userNamed } from '../named-user.ts'
import { verifiedAuthorities, type Authority } from './authorities.ts'
import { readCertificate, type Certificate } from '../../../crypto/x509/certificate.ts'
import { nameIn } from './names.ts'
import { findPath } from './path.ts'
import { createRevocationCheck } from './revocation.ts'
import type { X509Config } from './x509.schema.ts'

/** Signs in, or strengthens a session, by a client certificate. It asks nothing, and judges what every request shows anew. */
export const x509Module: AuthModuleType<X509Config> = {
  type: 'x509',
  compile: (name, config, deps) => {
    const judge = compileJudge(name, config, deps)
    return {
      name,
      type: 'x509',
      use: 'either',
      authLevel: config.authLevel,
      isMultiFactor: config.multiFactor,
      isSilent: true,
      process: async (input) => {
        const outcome = await judge(input)
        return typeof outcome === 'string' ? { kind: 'failed', reason: outcome, username: undefined } : outcome
      },
    }
  },
}

type Judgement = Extract<ModuleOutcome, { readonly kind: 'passed' }> | FailureReason

function compileJudge(
  name: string,
  config: X509Config,
  { directory, clock }: AuthModuleDeps,
): (input: AuthModuleInput) => Promise<Judgement> {
  const { authorities, checkRevocation } = compileTrust(name, config, clock)
  return async ({ presented }) => {
    const shown = presented.certificate()
    if (shown === undefined) return 'no-certificate'
    const leaf = shown === 'unreadable' ? undefined : readCertificate(shown.leaf)
    if (shown === 'unreadable' || leaf === undefined) return 'certificate-unreadable'
    const others = shown.others.slice(0, MOST_CERTIFICATES).flatMap((der) => readCertificate(der) ?? [])
    const now = config.expired === 'accept' ? Math.min(clock(), leaf.notAfter) : clock()
    const path = findPath({ leaf, others, now, authorities: authorities.map(({ certificate }) => certificate) })
    if (typeof path === 'string') return path
    const authority = authorities.find(({ certificate }) => certificate === path.authority)
    const named = authority && nameOf(leaf, authority, config.user.from)
    if (named === undefined) return 'certificate-of-nobody'
    // Only now: before the chain is verified, nothing in it may have anything fetched.
    const status = await checkRevocation(path)
    if (status === 'revoked') return 'certificate-revoked'
    if (status === 'unknown' && config.revocation.unknown === 'refuse') return 'revocation-unknown'
    const user = await userNamed(directory, config.user.is, named)
    return user === undefined ? 'certificate-of-nobody' : { kind: 'passed', user }
  }
}

function compileTrust(name: string, config: X509Config, clock: AuthModuleDeps['clock']) {
  try {
    return {
      authorities: verifiedAuthorities(config.authorities),
      checkRevocation: createRevocationCheck(config.revocation, clock),
    }
  } catch (cause) {
    const detail = `module ${name}: ${cause instanceof Error ? cause.message : 'an authority cannot be read'}`
    throw fault('GH_CONFIG_INVALID', { cause, detail })
  }
}

function nameOf(leaf: Certificate, { domains }: Authority, from: X509Config['user']['from']): string | undefined {
  const name = nameIn(leaf, from)
  const isAddress = from === 'email' || from === 'upn' || from === 'subject:emailAddress'
  if (name === undefined || domains === undefined || !isAddress) return name
  return domains.has(name.slice(name.lastIndexOf('@') + 1).toLowerCase()) ? name : undefined
}
