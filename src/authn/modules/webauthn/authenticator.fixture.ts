import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import type { JsonValue } from '../../../crypto/seal.ts'

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256'

export const FLAGS = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const

type CborMap = Map<number | string, unknown>

/** What an attacker, or a broken authenticator, does differently. */
export interface Deviation {
  readonly rpId?: string
  readonly clientData?: Readonly<Record<string, unknown>>
  readonly flags?: number
  readonly counter?: number
  readonly userHandle?: string | null
  readonly credentialId?: string
  /** Behind or instead of the authenticator data. */
  readonly authData?: (right: Buffer) => Buffer
  readonly signature?: (right: Buffer) => Buffer
  readonly attestationObject?: (right: Buffer) => Buffer
  readonly attestation?: (signed: Buffer) => { readonly fmt: string; readonly attStmt: CborMap }
  /** Of the whole answer. */
  readonly json?: (right: object) => unknown
}

export interface Authenticator {
  readonly credentialId: string
  readonly privateKey: KeyObject
  /** Answers `navigator.credentials.create` with the options of a page, as text. */
  create(options: Options, deviation?: Deviation): string
  get(options: Options, deviation?: Deviation): string
}

export type Options = Readonly<Record<string, JsonValue>>

export interface AuthenticatorSettings {
  readonly origin: string
  readonly algorithm?: Algorithm
  /** 0 for a passkey, which does not count. */
  readonly counter?: number
  readonly credentialId?: string
  readonly aaguid?: Buffer
  readonly flags?: number
}

/** A platform authenticator with one credential: real keys and signatures, and the deviations that tests ask for. */
export function createAuthenticator({
  origin,
  algorithm = 'ES256',
  counter: firstCounter = 0,
  credentialId = randomBytes(32).toString('base64url'),
  aaguid = Buffer.alloc(16),
  flags = FLAGS.up | FLAGS.uv | FLAGS.be | FLAGS.bs,
}: AuthenticatorSettings): Authenticator {
  const { privateKey, publicKey } = keyPair(algorithm)
  let counter = firstCounter
  let owner: string | undefined

  const clientDataOf = (type: string, challenge: unknown, { clientData }: Deviation): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...clientData }))
  const authDataOf = (rpId: string, more: Buffer, extraFlags: number, deviation: Deviation): Buffer => {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(deviation.counter ?? counter)
    const byte = Buffer.from([(deviation.flags ?? flags) | extraFlags])
    const right = Buffer.concat([hash(deviation.rpId ?? rpId), byte, count, more])
    return deviation.authData?.(right) ?? right
  }
  const signed = (data: Buffer): Buffer => sign(algorithm === 'EdDSA' ? null : 'sha256', data, privateKey)

  return {
    credentialId,
    privateKey,
    create(options, deviation = {}) {
      const id = Buffer.from(deviation.credentialId ?? credentialId, 'base64url')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(id.length)
      const attested = Buffer.concat([
        aaguid,
        length,
        id,
        Buffer.from(isoCBOR.encode(coseKey(algorithm, publicKey) as never)),
      ])
      const clientDataJSON = clientDataOf('webauthn.create', options['challenge'], deviation)
      const { id: rpId } = options['rp'] as { id: string }
      owner = (options['user'] as { id: string }).id
      const authData = authDataOf(rpId, attested, FLAGS.at, deviation)
      const { fmt, attStmt } = deviation.attestation?.(Buffer.concat([authData, hash(clientDataJSON)])) ?? {
        fmt: 'none',
        attStmt: new Map(),
      }
      const object = new Map<string, unknown>([
        ['fmt', fmt],
        ['attStmt', attStmt],
        ['authData', new Uint8Array(authData)],
      ])
      const right = Buffer.from(isoCBOR.encode(object as never))
      return answer(deviation, id.toString('base64url'), {
        clientDataJSON: clientDataJSON.toString('base64url'),
        attestationObject: (deviation.attestationObject?.(right) ?? right).toString('base64url'),
        transports: ['internal'],
      })
    },
    get(options, deviation = {}) {
      if (counter > 0) counter++
      const clientDataJSON = clientDataOf('webauthn.get', options['challenge'], deviation)
      const authData = authDataOf(options['rpId'] as string, Buffer.alloc(0), 0, deviation)
      const right = signed(Buffer.concat([authData, hash(clientDataJSON)]))
      return answer(deviation, deviation.credentialId ?? credentialId, {
        clientDataJSON: clientDataJSON.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: (deviation.signature?.(right) ?? right).toString('base64url'),
        userHandle: deviation.userHandle === undefined ? (owner ?? null) : deviation.userHandle,
      })
    },
  }
}

function answer({ json = (right) => right }: Deviation, id: string, response: object): string {
  return JSON.stringify(json({ id, rawId: id, type: 'public-key', response, clientExtensionResults: {} }))
}

function keyPair(algorithm: Algorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2_048 })
  }
}

/** RFC 9053 §7, RFC 8230 §4. */
function coseKey(algorithm: Algorithm, key: KeyObject): CborMap {
  const jwk = key.export({ format: 'jwk' })
  const of = (text = ''): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))
  switch (algorithm) {
    case 'ES256':
      return new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, of(jwk.x)],
        [-3, of(jwk.y)],
      ])
    case 'EdDSA':
      return new Map<number, unknown>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, of(jwk.x)],
      ])
    case 'RS256':
      return new Map<number, unknown>([
        [1, 3],
        [3, -257],
        [-1, of(jwk.n)],
        [-2, of(jwk.e)],
      ])
  }
}

function hash(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}
