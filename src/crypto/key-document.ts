import { createPrivateKey, createSecretKey, generateKeyPair, hkdfSync, randomBytes, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { EpochMs } from '../base/brand.ts'
import { randomName } from '../base/random-id.ts'
import { fault } from '../errors.ts'
import { decrypt, encrypt } from './aead.ts'
import { decodeBase64url } from './base64url.ts'
import { PURPOSES, type Purpose } from './purposes.ts'

/** One key of the ring, opened. */
export interface RingKey {
  /** Random, so that a ring made anew never meets a verifier that remembers another key of the same name. */
  readonly kid: string
  readonly purpose: Purpose
  /** 1 for the first key of a purpose, one more with each successor. */
  readonly sequence: number
  readonly createdAt: EpochMs
  /** The key neither signs nor seals before this time. */
  readonly notBefore: EpochMs
  /** The private half of a pair, or a symmetric key. */
  readonly key: KeyObject
}

/** What is written in the store. The id is the purpose and the sequence, so that of two processes only one adds a successor. */
interface StoredKey {
  readonly v: 1
  readonly kid: string
  readonly createdAt: number
  readonly notBefore: number
  readonly sealed: string
}

/** What seals the ring's documents: the first key seals, all of them open. */
export type Wrapping = readonly [KeyObject, ...KeyObject[]]

/** Keys derived from the master keys, so that a master key itself encrypts nothing. */
export function wrappingOf(masterKey: string, previousMasterKeys: readonly string[]): Wrapping {
  const previous = previousMasterKeys.map((key) => wrappingKey(key, 'secrets.previousMasterKeys'))
  return [wrappingKey(masterKey, 'secrets.masterKey'), ...previous]
}

function wrappingKey(masterKey: string, name: string): KeyObject {
  const bytes = decodeBase64url(masterKey)
  if (bytes?.length !== 32) {
    throw fault('GH_CONFIG_INVALID', {
      detail: `${name} is not 32 bytes in base64url (43 characters): \`gatehouse init\` makes one`,
    })
  }
  return createSecretKey(Buffer.from(hkdfSync('sha256', bytes, '', 'gatehouse key ring v1', 32)))
}

export function keyDocumentId(purpose: Purpose, sequence: number): string {
  return `${purpose}.${String(sequence)}`
}

/** `undefined` for purposes that this version does not know: a newer one may share the store. */
export function parseKeyDocumentId(id: string): { purpose: Purpose; sequence: number } | undefined {
  const match = /^([a-z-]{1,32})\.([1-9]\d{0,8})$/.exec(id)
  const [, purpose = '', sequence = ''] = match ?? []
  return Object.hasOwn(PURPOSES, purpose) ? { purpose: purpose as Purpose, sequence: Number(sequence) } : undefined
}

/** A new key as the document that the store will hold. Made on another thread: an RSA key takes a tenth of a second. */
export async function newKeyDocument(
  id: { readonly purpose: Purpose; readonly sequence: number },
  times: { readonly createdAt: EpochMs; readonly notBefore: EpochMs },
  [wrapping]: Wrapping,
): Promise<string> {
  const head = { v: 1 as const, kid: randomName(), createdAt: times.createdAt, notBefore: times.notBefore }
  return sealedAs(keyDocumentId(id.purpose, id.sequence), head, { plain: await newKeyBytes(id.purpose), wrapping })
}

interface KeyDocument {
  readonly id: string
  readonly value: string
}

/** `undefined` when no master key opens it, or when any byte of it was changed or moved under another id. */
export function openKeyDocument(document: KeyDocument, wrapping: Wrapping): RingKey | undefined {
  const name = parseKeyDocumentId(document.id)
  const opened = unseal(document, wrapping)
  if (name === undefined || opened === undefined) return undefined
  const { stored, plain } = opened
  return {
    ...name,
    kid: stored.kid,
    createdAt: stored.createdAt as EpochMs,
    notBefore: stored.notBefore as EpochMs,
    key: keyOf(name.purpose, plain),
  }
}

/** The same key sealed with the master key of now; `undefined` when it is already, or cannot be opened. */
export function resealedKeyDocument(document: KeyDocument, wrapping: Wrapping): string | undefined {
  const opened = unseal(document, wrapping)
  if (opened === undefined || opened.with === wrapping[0]) return undefined
  const { v, kid, createdAt, notBefore } = opened.stored
  return sealedAs(document.id, { v, kid, createdAt, notBefore }, { plain: opened.plain, wrapping: wrapping[0] })
}

function sealedAs(
  id: string,
  head: Omit<StoredKey, 'sealed'>,
  { plain, wrapping }: { readonly plain: Buffer; readonly wrapping: KeyObject },
): string {
  const stored: StoredKey = { ...head, sealed: encrypt(wrapping, boundTo(id, head), plain).toString('base64url') }
  return JSON.stringify(stored)
}

interface Unsealed {
  readonly stored: StoredKey
  readonly plain: Buffer
  readonly with: KeyObject
}

function unseal({ id, value }: KeyDocument, wrapping: Wrapping): Unsealed | undefined {
  const stored = parseStored(value)
  const bytes = stored && decodeBase64url(stored.sealed)
  if (stored === undefined || bytes === undefined) return undefined
  for (const key of wrapping) {
    const plain = decrypt(key, boundTo(id, stored), bytes)
    if (plain !== undefined) return { stored, plain, with: key }
  }
  return undefined
}

function boundTo(id: string, head: Omit<StoredKey, 'sealed'>): Buffer {
  return Buffer.from(JSON.stringify([id, head.v, head.kid, head.createdAt, head.notBefore]))
}

async function newKeyBytes(purpose: Purpose): Promise<Buffer> {
  const { kind } = PURPOSES[purpose]
  if (kind === 'secret') return randomBytes(32)
  const { privateKey } = await newKeyPair(kind)
  return privateKey.export({ type: 'pkcs8', format: 'der' })
}

const generate = promisify(generateKeyPair)

function newKeyPair(kind: 'es256' | 'eddsa' | 'rs256'): Promise<{ readonly privateKey: KeyObject }> {
  switch (kind) {
    case 'es256':
      return generate('ec', { namedCurve: 'P-256' })
    case 'eddsa':
      return generate('ed25519')
    case 'rs256':
      return generate('rsa', { modulusLength: 2_048 })
  }
}

function keyOf(purpose: Purpose, bytes: Buffer): KeyObject {
  if (PURPOSES[purpose].kind === 'secret') return createSecretKey(bytes)
  return createPrivateKey({ key: bytes, type: 'pkcs8', format: 'der' })
}

function parseStored(text: string): StoredKey | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { v, kid, createdAt, notBefore, sealed } = value as Partial<Record<keyof StoredKey, unknown>>
  if (v !== 1 || typeof kid !== 'string' || typeof sealed !== 'string') return undefined
  if (!Number.isSafeInteger(createdAt) || !Number.isSafeInteger(notBefore)) return undefined
  return { v, kid, createdAt: createdAt as number, notBefore: notBefore as number, sealed }
}
