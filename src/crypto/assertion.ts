import type { Clock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import { signEs256 } from './es256.ts'
import type { KeyRing } from './key-ring.ts'
import type { JsonValue } from './seal.ts'

/** `typ` of our assertions: a verifier that asks for it takes no other JWT of ours for one (RFC 8725 §3.11). */
export const ASSERTION_TYPE = 'gatehouse-assertion+jwt'

export interface AssertionSignerDeps {
  readonly keyRing: Pick<KeyRing, 'current'>
  readonly clock: Clock
  /** `iss`: the login host's URL, under which `/.well-known/jwks.json` is found. */
  readonly issuer: string
  /** 60,000 by default; at most 5 minutes, because verification keys are kept only so long. */
  readonly lifetimeMs?: number
}

export interface AssertionSubject {
  /** The upstream application that may believe it, and nobody else. */
  readonly audience: string
  readonly subject: string
  /** Further claims (`groups`, `auth_level` …). Registered ones given here lose against ours. */
  readonly claims: Readonly<Record<string, JsonValue | undefined>>
}

export interface AssertionSigner {
  /** A compact JWS (RFC 7515 §7.1), ES256, with iss, aud, sub, iat, nbf, exp and jti (RFC 7519 §4.1). */
  sign(subject: AssertionSubject): string
}

/** Signs what `X-Gatehouse-Assertion` carries. Synchronous: the request path waits for nothing. */
export function createAssertionSigner(deps: AssertionSignerDeps): AssertionSigner {
  const { keyRing, clock, issuer } = deps
  const lifetimeSeconds = Math.min(300, Math.max(1, Math.round((deps.lifetimeMs ?? 60_000) / 1_000)))
  let header = { kid: '', encoded: '' }
  return {
    sign({ audience, subject, claims }) {
      const { kid, key } = keyRing.current('assertion')
      if (header.kid !== kid) header = { kid, encoded: encode({ alg: 'ES256', typ: ASSERTION_TYPE, kid }) }
      const iat = Math.floor(clock() / 1_000)
      const payload = {
        ...claims,
        iss: issuer,
        aud: audience,
        sub: subject,
        iat,
        nbf: iat,
        exp: iat + lifetimeSeconds,
        jti: randomName(),
      }
      const input = `${header.encoded}.${encode(payload)}`
      return `${input}.${signEs256(Buffer.from(input), key).toString('base64url')}`
    },
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
