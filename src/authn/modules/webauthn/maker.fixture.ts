import { sign } from 'node:crypto'
import { OctetString } from 'asn1js'
import { Extension } from 'pkijs'
import { CN, issue, nameOf, type Issued, type Wanted } from '../x509/certificates.fixture.ts'
import { attestedKey } from './attested-key.fixture.ts'
import type { Deviation } from './authenticator.fixture.ts'

export const AAGUID = Buffer.from('ee882879721c491397753dfcce97072a', 'hex')
export const AAGUID_TEXT = 'ee882879-721c-4913-9775-3dfcce97072a'

const [COUNTRY, ORGANISATION, UNIT] = ['2.5.4.6', '2.5.4.10', '2.5.4.11']
/** id-fido-gen-ce-aaguid. */
export const MODEL = '1.3.6.1.4.1.45724.1.1.4'

export interface Maker {
  readonly root: Issued
  /** The certificate of a batch of keys, as WebAuthn Level 3 §8.2.1 wants it, with `aaguid` inside. */
  batch(wanted?: Wanted, aaguid?: Buffer): Issued
}

/** Somebody who makes keys, trusted by whoever trusts the root. */
export function createMaker(name = 'Acme Keys Root', root: Wanted = {}): Maker {
  const own = issue({ name: nameOf([CN, name]), authority: true, ...root })
  return {
    root: own,
    batch: (wanted = {}, aaguid = AAGUID) =>
      issue({
        by: own,
        name: nameOf(
          [COUNTRY, 'SE'],
          [ORGANISATION, 'Acme Keys'],
          [UNIT, 'Authenticator Attestation'],
          [CN, 'Batch 1'],
        ),
        purposes: null,
        more: [
          new Extension({
            extnID: MODEL,
            extnValue: new OctetString({ valueHex: new Uint8Array(aaguid) }).toBER(),
          }),
        ],
        ...wanted,
      }),
  }
}

/** A packed attestation (WebAuthn Level 3 §8.2) by the first of the certificates. */
export function packed(
  [batch, ...above]: readonly [Issued, ...Issued[]],
  signs = (right: Buffer): Uint8Array => right,
): Pick<Deviation, 'attestation'> {
  return {
    attestation: (signed) => ({
      fmt: 'packed',
      attStmt: new Map<string, unknown>([
        ['alg', -7],
        ['sig', new Uint8Array(signs(sign('sha256', signed, batch.key)))],
        ['x5c', [batch, ...above].map(({ der }) => new Uint8Array(der))],
      ]),
    }),
  }
}

/** The attestation of a U2F key (WebAuthn Level 3 §8.6): it signs who asked, what for, and which key. */
export function u2f(
  batches: readonly [Issued, ...Issued[]],
  signs = (right: Buffer): Buffer => right,
): Pick<Deviation, 'attestation'> {
  return {
    attestation: (signed) => {
      const { rpIdHash, clientDataHash, credentialId, x, y } = attestedKey(signed)
      const base = Buffer.concat([Buffer.of(0), rpIdHash, clientDataHash, credentialId, Buffer.of(4), x, y])
      return {
        fmt: 'fido-u2f',
        attStmt: new Map<string, unknown>([
          ['sig', new Uint8Array(sign('sha256', signs(base), batches[0].key))],
          ['x5c', batches.map(({ der }) => new Uint8Array(der))],
        ]),
      }
    },
  }
}
