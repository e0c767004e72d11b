import { createHmac, createPublicKey } from 'node:crypto'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { signJws } from '../crypto/jws.ts'
import type { RingKey } from '../crypto/key-document.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import { createLevels } from '../federation/oidc-op/levels.ts'
import { issuerPath } from '../federation/oidc-op/realm-provider.ts'
import type { AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import type { AgentOpenIdConfig } from '../gateway/agent-openid.schema.ts'
import type { AgentOpenId } from '../portal/ports.ts'
import { isAgentAlone } from './agents.ts'

/** How agents of OpenAM's get ID tokens. */
export interface AgentIdTokens {
  of(profile: AgentProfileConfig): AgentOpenId | undefined
  /** The public keys; absent where no agent looks at them. */
  readonly keys: (() => object) | undefined
}

/** Makes the first key when there is an agent whose ID tokens it signs. */
export async function agentIdTokensOf(
  snapshot: ConfigSnapshot,
  keyRing: Pick<KeyRing, 'want' | 'current' | 'all'>,
): Promise<AgentIdTokens> {
  const signed = snapshot.agents.some((each) => isAgentAlone(each) && each.openam?.oidc?.signature === 'RS256')
  if (signed) await keyRing.want(['oidc-rsa'])
  return {
    keys: signed ? () => ({ keys: keyRing.all('oidc-rsa').map(publicJwk) }) : undefined,
    of(profile) {
      const { realm, url, openam } = profile
      if (openam?.oidc === undefined) return undefined
      const levels = createLevels(snapshot.realms.get(realm)?.openId.acr ?? [], Infinity)
      return {
        redirectUris: spellingsOf(url, openam.oidc),
        issuerPath: issuerPath(realm),
        sign: signerOf(openam.oidc, keyRing),
        levelOf: (acr) => levels.levelOf(acr),
      }
    },
  }
}

/** Agents write the port even where it is the scheme's own. */
function spellingsOf(url: string, { redirectPath }: AgentOpenIdConfig): readonly string[] {
  const { origin, protocol, hostname, port } = new URL(url)
  const explicit = `${protocol}//${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`
  return [...new Set([explicit, origin])].map((each) => each + redirectPath)
}

function signerOf({ password }: AgentOpenIdConfig, keyRing: Pick<KeyRing, 'current'>): AgentOpenId['sign'] {
  if (password === undefined) return (claims) => signJws('RS256', keyRing.current('oidc-rsa'), claims)
  return (claims) => {
    const input = `${encoded({ typ: 'JWT', alg: 'HS256' })}.${encoded(claims)}`
    return `${input}.${createHmac('sha256', password).update(input).digest('base64url')}`
  }
}

function publicJwk({ kid, key }: RingKey): object {
  return { ...createPublicKey(key).export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
