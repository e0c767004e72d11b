import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose'
import { fault } from '../../errors.ts'
import type { ExternalJwtConfig, SignerConfig } from './external-jwt.schema.ts'
import type { AuthModuleDeps, AuthModuleType, JudgedToken, TokenJudge } from './module.ts'
import { isPlainName, userNamed } from './named-user.ts'
import type { TokenFault } from './token-fault.ts'
import { signerKeys, type SignerKeys } from './signer-keys.ts'

/** Types of tokens that say who somebody is; a logout token, say, is signed by the same keys. */
const TYPES: ReadonlySet<string | undefined> = new Set([
  undefined,
  'jwt',
  'at+jwt',
  'application/jwt',
  'application/at+jwt',
])

interface Signer extends SignerConfig {
  readonly keys: SignerKeys
}

/** Signs in, or strengthens a session, by a token that another issuer has signed. It asks nothing. */
export const externalJwtModule: AuthModuleType<ExternalJwtConfig> = {
  type: 'externalJwt',
  compile: (name, config, deps) => {
    const signers = compileSigners(name, config, deps)
    const tokens: TokenJudge = {
      signers: config.signers,
      judge: (token) => judge(token, { signers, config, deps }),
    }
    return {
      name,
      type: 'externalJwt',
      use: 'either',
      authLevel: config.authLevel,
      isMultiFactor: config.multiFactor,
      isSilent: true,
      tokens,
      process: async ({ presented: { bearer } }) => {
        const outcome = bearer === undefined ? 'no-token' : await tokens.judge(bearer)
        return typeof outcome === 'string'
          ? { kind: 'failed', reason: outcome, username: undefined }
          : { kind: 'passed', user: outcome.user }
      },
    }
  },
}

function compileSigners(
  name: string,
  config: ExternalJwtConfig,
  { clock }: AuthModuleDeps,
): ReadonlyMap<string, Signer> {
  const signers = new Map<string, Signer>()
  for (const signer of config.signers) {
    if (signers.has(signer.issuer)) {
      throw fault('GH_CONFIG_INVALID', { detail: `module ${name} has two signers with the issuer ${signer.issuer}` })
    }
    signers.set(signer.issuer, { ...signer, keys: signerKeys(signer, { clock, timeoutMs: config.timeout }) })
  }
  return signers
}

interface Judging {
  readonly signers: ReadonlyMap<string, Signer>
  readonly config: ExternalJwtConfig
  readonly deps: AuthModuleDeps
}

async function judge(
  bearer: string,
  { signers, config, deps: { directory, clock } }: Judging,
): Promise<JudgedToken | TokenFault> {
  const signer = isCanonical(bearer) ? signers.get(issuerOf(bearer)) : undefined
  if (signer === undefined) return 'token-refused'
  const claims = await verify(bearer, signer, { now: clock(), toleranceMs: config.clockTolerance })
  if (typeof claims === 'string') return claims
  const { claim, is } = signer.user
  const value: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  const user = typeof value === 'string' && isPlainName(value) ? await userNamed(directory, is, value) : undefined
  if (user === undefined) return 'token-of-nobody'
  return { user, until: (claims.exp ?? 0) * 1_000 + config.clockTolerance }
}

/** Base64url without padding and spare bits, as it is written (RFC 7515 §2): one token has one spelling. */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
}

/** Proven by nobody yet: it chooses the keys, and nothing else. */
function issuerOf(token: string): string {
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : ''
  } catch {
    return ''
  }
}

async function verify(
  token: string,
  { keys, issuer, audience, algorithms }: Signer,
  { now, toleranceMs }: { readonly now: number; readonly toleranceMs: number },
): Promise<JWTPayload | TokenFault> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      requiredClaims: ['exp'],
      clockTolerance: toleranceMs / 1_000,
      currentDate: new Date(now),
    })
    const isKnownType = TYPES.has(protectedHeader.typ?.toLowerCase())
    return isKnownType && isForUsAlone(payload, audience) && !isEvent(payload) ? payload : 'token-refused'
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'token-expired'
    return error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
      ? 'token-refused'
      : 'token-keys-unavailable'
  }
}

/** Tells that something has happened, such as a logout (RFC 8417 §2.2): its type need not say so. */
function isEvent(payload: JWTPayload): boolean {
  return Object.hasOwn(payload, 'events')
}

/** A token for several was made for the one that `azp` names (OIDC Core 1.0 §3.1.3.7): others who have it could pass it on. */
function isForUsAlone({ aud, azp }: JWTPayload & { readonly azp?: unknown }, audience: string): boolean {
  return !Array.isArray(aud) || aud.length === 1 || azp === audience
}
