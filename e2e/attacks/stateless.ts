import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { decrypt, encrypt } from '../../src/crypto/aead.ts'
import { openKeyRing } from '../../src/crypto/key-ring.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { isDead } from './oracles.ts'
import { TOKEN_COOKIE, type Rig } from './rig.ts'

/** A customer's token at the club, taken apart, and what an attacker with our own key could make of it. */
export interface StolenToken {
  readonly token: string
  /** What stands before the JWT. */
  readonly front: string
  readonly jwt: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Behind the same front. */
  readonly sealed: (header: object, plain: string | Buffer) => string
}

const FRONT = 49
export const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

export function clubCookie(token: string): string {
  return `Cookie: ${TOKEN_COOKIE}=${token}\r\n`
}

/** dave signs in at the club; the key comes from the store of the rig, by its master key. */
export async function steal(rig: Rig): Promise<StolenToken> {
  const dave = await rig.signIn('dave', 'club')
  const token = dave.client.cookie('club.example.com', TOKEN_COOKIE) ?? ''
  const [front, jwt] = [token.slice(0, FRONT), token.slice(FRONT)]
  const store = await openEmbeddedStore({ path: join(rig.root, 'data/cts.db'), clock: systemClock, log: silent })
  const masterKey = readFileSync(join(rig.root, 'data/master.key'), 'utf8')
  const ring = await openKeyRing({ documents: store.documents, masterKey, clock: systemClock, log: silent })
  const { key } = ring.current('session')
  ring.close()
  await store.close()
  const [head = '', , nonce = '', body = '', tag = ''] = jwt.split('.')
  const bytes = Buffer.concat([nonce, body, tag].map((part) => Buffer.from(part, 'base64url')))
  const plain = decrypt(key, Buffer.from(head), bytes)
  assert.ok(plain, 'the token of a stateless session is sealed with the key of the ring')
  return {
    token,
    front,
    jwt,
    header: JSON.parse(Buffer.from(head, 'base64url').toString()) as StolenToken['header'],
    claims: JSON.parse(plain.toString()) as StolenToken['claims'],
    sealed(header, content) {
      const own = Buffer.from(JSON.stringify(header)).toString('base64url')
      const sealed = encrypt(key, Buffer.from(own), Buffer.from(content))
      const parts = [sealed.subarray(0, 12), sealed.subarray(12, -16), sealed.subarray(-16)]
      return `${front}${own}..${parts.map((part) => part.toString('base64url')).join('.')}`
    },
  }
}

/** Every other way to write a token that some reader takes for the same. */
export function spellings(token: string): readonly string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twin = alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1] ?? ''
  const [standard, parts] = [token.replaceAll('-', '+').replaceAll('_', '/'), token.split('.')]
  const written = [
    `${token}=`,
    `${token}==`,
    `${token}%3D`,
    `${token}%20`,
    `${token}.`,
    token.replace('..', '.=.'),
    token.slice(0, -1) + twin,
    parts.map((part, i) => (i === 3 ? `${part}=` : part)).join('.'),
    standard,
    token.replaceAll('*', '%2A'),
  ]
  return written.filter((text) => text !== token)
}

/** It opens nothing at the club, and nothing at the login host. */
export async function isNoToken(rig: Rig, token: string, about: string): Promise<void> {
  await isDead(rig, clubCookie(token), about, 'club')
  await isDead(rig, clubCookie(token), about, 'login')
}

export async function opensTheClub(rig: Rig, token: string): Promise<boolean> {
  const answer = await rig.ask(`GET /me HTTP/1.1\r\nHost: club.example.com\r\n${clubCookie(token)}\r\n`)
  return answer?.status === 200
}
