import { z } from 'zod'
import type { JsonValue } from '../../../crypto/seal.ts'

type Data = Readonly<Record<string, JsonValue>>

const credentials = z.array(z.object({ type: z.string(), id: z.string() }))
const proving = z.object({
  _action: z.literal('webauthn_authentication'),
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.number(),
  userVerification: z.string(),
  allowCredentials: credentials,
})
const settingUp = z.object({
  _action: z.literal('webauthn_registration'),
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: z.string(), alg: z.number() })),
  timeout: z.number(),
  excludeCredentials: credentials,
  authenticatorSelection: z.record(z.string(), z.union([z.string(), z.boolean()])),
  attestation: z.string(),
})
const ceremony = z.discriminatedUnion('_action', [proving, settingUp])

/**
 * What a ceremony needs, in the words of OpenAM's clients: bytes as base64 with `+` and `/`, or as numbers of one signed byte each; and
 * some of it twice, because older clients read pieces of script out of texts. What is no ceremony stays as it is.
 */
export function webauthnData(data: Data): Data {
  const read = data['_type'] === 'WebAuthn' ? ceremony.safeParse(data) : undefined
  if (read?.success !== true) return data
  return read.data._action === 'webauthn_authentication' ? provingData(read.data) : settingUpData(read.data)
}

function provingData(options: z.infer<typeof proving>): Data {
  const { _action, challenge, rpId, timeout, userVerification, allowCredentials } = options
  const list = credentialText(allowCredentials)
  return {
    _type: 'WebAuthn',
    _action,
    challenge: base64(challenge),
    allowCredentials: list === '' ? '' : `allowCredentials: ${list}`,
    _allowCredentials: credentialNumbers(allowCredentials),
    timeout: String(timeout),
    userVerification,
    relyingPartyId: `rpId: "${rpId}",`,
    _relyingPartyId: rpId,
    extensions: {},
  }
}

function settingUpData(options: z.infer<typeof settingUp>): Data {
  const { _action, challenge, rp, user, pubKeyCredParams, timeout, excludeCredentials, attestation } = options
  const { authenticatorSelection } = options
  return {
    _type: 'WebAuthn',
    _action,
    challenge: base64(challenge),
    attestationPreference: attestation,
    userName: user.name,
    displayName: user.displayName,
    // Each character stands for a byte.
    userId: Buffer.from(user.id, 'base64url').toString('latin1'),
    relyingPartyName: rp.name,
    relyingPartyId: `id: "${rp.id}",`,
    _relyingPartyId: rp.id,
    authenticatorSelection: JSON.stringify(authenticatorSelection),
    _authenticatorSelection: authenticatorSelection,
    pubKeyCredParams,
    _pubKeyCredParams: pubKeyCredParams,
    timeout: String(timeout),
    excludeCredentials: credentialText(excludeCredentials),
    _excludeCredentials: credentialNumbers(excludeCredentials),
    extensions: {},
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'base64url').toString('base64')
}

type Credentials = z.infer<typeof credentials>

function credentialNumbers(list: Credentials): readonly { readonly type: string; readonly id: readonly number[] }[] {
  return list.map(({ type, id }) => ({ type, id: signedBytes(id) }))
}

/** As older clients find it: a list in script. */
function credentialText(list: Credentials): string {
  const each = list.map(({ id }) => `{ "type": "public-key", "id": new Int8Array([${signedBytes(id).join()}]).buffer }`)
  return each.length === 0 ? '' : `[${each.join(', ')}]`
}

function signedBytes(id: string): readonly number[] {
  return [...new Int8Array(Buffer.from(id, 'base64url'))]
}
