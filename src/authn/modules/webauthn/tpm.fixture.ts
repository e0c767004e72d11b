import { createHash, sign } from 'node:crypto'
import { OctetString } from 'asn1js'
import { Extension, GeneralName, GeneralNames } from 'pkijs'
import { nameOf, type Issued, type Wanted } from '../x509/certificates.fixture.ts'
import type { Deviation } from './authenticator.fixture.ts'
import { attestedKey } from './attested-key.fixture.ts'
import { AAGUID, MODEL, type Maker } from './maker.fixture.ts'

/** Trusted Computing Group: manufacturer, model, version; and the purpose of an attestation key. */
const [MANUFACTURER, TPM_MODEL, VERSION, AIK] = ['2.23.133.2.1', '2.23.133.2.2', '2.23.133.2.3', '2.23.133.8.3']

/** The certificate of an attestation key of a TPM (WebAuthn Level 3 §8.3.1): nobody's name, and the chip's as an alternative one. */
export function attestationKey(maker: Maker, wanted: Wanted = {}, manufacturer = 'id:494E5443'): Issued {
  const chip = nameOf([MANUFACTURER, manufacturer], [TPM_MODEL, 'Acme TPM'], [VERSION, 'id:0002'])
  const names = new GeneralNames({ names: [new GeneralName({ type: 4, value: chip })] })
  return maker.batch({
    name: nameOf(),
    purposes: [AIK],
    more: [
      new Extension({ extnID: '2.5.29.17', critical: true, extnValue: names.toSchema().toBER() }),
      new Extension({ extnID: MODEL, extnValue: new OctetString({ valueHex: new Uint8Array(AAGUID) }).toBER() }),
    ],
    ...wanted,
  })
}

/** What a broken or lying chip does differently. */
export interface TpmDeviation {
  readonly certInfo?: (right: Buffer) => Buffer
  readonly pubArea?: (right: Buffer) => Buffer
  readonly signature?: (right: Buffer) => Buffer
}

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])
const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

const [ECC, SHA256, NONE, P256] = [0x0023, 0x000b, 0x0010, 0x0003].map(u16) as [Buffer, Buffer, Buffer, Buffer]

/** A TPM attestation (WebAuthn Level 3 §8.3): the chip certifies the key in its own structures. */
export function tpm(
  [aik, ...above]: readonly [Issued, ...Issued[]],
  { certInfo = same, pubArea = same, signature = same }: TpmDeviation = {},
): Pick<Deviation, 'attestation'> {
  return {
    attestation: (signed) => {
      const { x, y } = attestedKey(signed)
      const area = pubArea(
        Buffer.concat([
          ECC,
          SHA256,
          Buffer.alloc(4),
          sized(Buffer.alloc(0)),
          NONE,
          NONE,
          P256,
          NONE,
          sized(x),
          sized(y),
        ]),
      )
      const info = certInfo(
        Buffer.concat([
          Buffer.from('ff5443478017', 'hex'),
          sized(Buffer.alloc(0)),
          sized(sha256(signed)),
          // Its clock and its firmware.
          Buffer.alloc(25),
          sized(Buffer.concat([SHA256, sha256(area)])),
          sized(Buffer.alloc(0)),
        ]),
      )
      return {
        fmt: 'tpm',
        attStmt: new Map<string, unknown>([
          ['alg', -7],
          ['sig', new Uint8Array(signature(sign('sha256', info, aik.key)))],
          ['ver', '2.0'],
          ['x5c', [aik, ...above].map(({ der }) => new Uint8Array(der))],
          ['pubArea', new Uint8Array(area)],
          ['certInfo', new Uint8Array(info)],
        ]),
      }
    },
  }
}

const same = (right: Buffer): Buffer => right
