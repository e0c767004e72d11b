import { BmpString, ObjectIdentifier, Primitive, PrintableString, Sequence, Utf8String } from 'asn1js'
import assert from 'node:assert/strict'
import { CRLDistributionPoints, DistributionPoint, Extension, GeneralName, GeneralNames } from 'pkijs'
import {
  CN,
  issue,
  nameOf,
  RSA_SHA1,
  rsaKeys,
  SERVER_AUTH,
  type Issued,
  type Wanted,
} from '../../src/authn/modules/x509/certificates.fixture.ts'
import {
  ask,
  refused,
  signedIn,
  startCertificateRig,
  type CertificateRig,
  type LoginOptions,
} from './certificate-rig.ts'
import { readVectors } from './pending.ts'
import type { Rig } from './rig.ts'
import { afterwards, runVectors, type Runner, type Vector } from './suite.ts'

let rig: CertificateRig

const OU = '2.5.4.11'
const person = (wanted: Wanted = {}): Issued => issue({ by: rig.staff, ...wanted })

function counted(outer: Rig, check: boolean, about: string): void {
  outer.tally.sent++
  outer.tally.checks++
  assert.ok(check, about)
  assert.ok(rig.running(), `${about} ended the gateway`)
}

/** Each is refused, and a sound certificate beside it is not. */
function refuses(attacks: () => readonly (readonly [shown: Issued, options?: LoginOptions])[]): Runner<Vector> {
  return async (outer, { id }) => {
    for (const [i, [shown, options]] of attacks().entries())
      counted(outer, refused(await rig.login(shown, options)), `${id} ${i}`)
    counted(outer, signedIn(await rig.login(person())), `${id}: and a sound one is not`)
  }
}

function extension(oid: string, value: ArrayBuffer): Extension {
  return new Extension({ extnID: oid, extnValue: value })
}

function mail(address: string): Extension {
  const names = new GeneralNames({ names: [new GeneralName({ type: 1, value: address })] })
  return extension('2.5.29.17', names.toSchema().toBER())
}

interface SsrfVector extends Vector {
  readonly url: string
}

/** AuthorityInfoAccess (RFC 5280 §4.2.2.1): responders and issuers of the certificate. */
function authorityAccess(addresses: readonly string[]): ArrayBuffer {
  const place = (address: string): Primitive =>
    new Primitive({ idBlock: { tagClass: 3, tagNumber: 6 }, valueHex: new TextEncoder().encode(address).buffer })
  const descriptions = addresses.flatMap((address) =>
    ['1.3.6.1.5.5.7.48.1', '1.3.6.1.5.5.7.48.2'].map(
      (value) => new Sequence({ value: [new ObjectIdentifier({ value }), place(address)] }),
    ),
  )
  return new Sequence({ value: descriptions }).toBER()
}

const authority = (wanted: Wanted = {}): Issued => person({ authority: true, name: nameOf([CN, 'Middle']), ...wanted })

runVectors<Vector>('x509', {
  async setUp() {
    rig = await startCertificateRig()
  },
  beyond: () => afterwards(() => rig.stop()),
  only: {
    'self-signed': refuses(() => [[issue()], [issue({ name: nameOf([CN, 'Staff']) })]]),
    'other-ca': refuses(() => {
      const namesake = issue({ authority: true, name: rig.staff.name })
      return [[issue({ by: namesake })], [issue({ by: namesake }), { others: [namesake] }], [rig.revoked]]
    }),
    'other-realm-ca': async (outer) => {
      const partner = issue({ by: rig.partners })
      counted(outer, refused(await rig.login(partner)), 'in this realm')
      counted(outer, signedIn(await rig.login(partner, { realm: 'partners' })), 'in its own')
      counted(outer, refused(await rig.login(person(), { realm: 'partners' })), 'and the other way round')
    },
    'ocsp-down': async (outer) => {
      const before = rig.dialled()
      const options = { realm: 'staff?authIndexType=service&authIndexValue=down' }
      counted(outer, refused(await rig.login(person(), options)), 'nobody can say whether it is revoked')
      counted(outer, rig.dialled() === before + 1, 'its responder was asked')
      counted(outer, refused(await rig.login(issue(), options)), 'untrusted')
      counted(outer, rig.dialled() === before + 1, 'for a chain that does not hold nobody is asked')
    },
    'crl-dp-ssrf': async (outer) => {
      const before = rig.dialled()
      const { port } = new URL(rig.bait)
      const listed = (readVectors('ssrf') as readonly SsrfVector[]).map(({ url }) => url.replaceAll('PORT', port))
      const addresses = [rig.bait, ...listed].filter((url) => /^[ -~]+$/.test(url))
      const points = new CRLDistributionPoints({
        distributionPoints: addresses.map(
          (value) => new DistributionPoint({ distributionPoint: [new GeneralName({ type: 6, value })] }),
        ),
      })
      const lists = extension('2.5.29.31', points.toSchema().toBER())
      const more = [lists, extension('1.3.6.1.5.5.7.1.1', authorityAccess(addresses))]
      counted(outer, refused(await rig.login(issue({ more }))), 'untrusted')
      counted(outer, signedIn(await rig.login(person({ more }))), 'trusted, by the list of the configuration')
      for (const address of addresses) {
        const alone = [extension('1.3.6.1.5.5.7.1.1', authorityAccess([address]))]
        counted(outer, signedIn(await rig.login(person({ more: alone }))), address)
      }
      counted(outer, rig.dialled() === before, 'no address in a certificate is asked')
    },
    eku: refuses(() => [[person({ purposes: [SERVER_AUTH] })], [person({ purposes: null })]]),
    'ca-true': refuses(() => {
      const leaf = person({ name: nameOf([CN, 'leaf']) })
      return [
        [issue({ by: leaf }), { others: [leaf] }],
        [person({ authority: true, usage: 0x86, purposes: ['1.3.6.1.5.5.7.3.2'] })],
      ]
    }),
    pathlen: refuses(() => {
      const last = authority({ authority: { pathLength: 0 } })
      const below = issue({ by: last, authority: true, name: nameOf([CN, 'Below']) })
      return [
        [issue({ by: below }), { others: [last, below] }],
        [issue({ by: below }), { others: [below, last] }],
      ]
    }),
    keyusage: refuses(() => {
      const silent = authority({ usage: 0x02 })
      return [[person({ usage: 0x20 })], [issue({ by: silent }), { others: [silent] }]]
    }),
    weak: refuses(() => [
      [person({ keys: rsaKeys(1_024) })],
      [person({ algorithm: RSA_SHA1 })],
      [person({ algorithm: { oid: '1.2.840.10045.4.1', hash: 'sha1' } })],
    ]),
    'cn-nul': refuses(() => [
      [person({ name: nameOf([CN, 'admin\0.evil']) })],
      [person({ name: nameOf([CN, 'admin\0']) })],
      [person({ name: nameOf([CN, new PrintableString({ value: 'admin\0x' })]) })],
    ]),
    'cn-multi': refuses(() => [
      [person({ name: nameOf([CN, 'alice'], [CN, 'admin']) })],
      [
        person({
          name: nameOf([
            [CN, 'admin'],
            [OU, 'x'],
          ]),
        }),
      ],
      [
        person({
          name: nameOf(
            [
              [OU, 'x'],
              [CN, 'admin'],
            ],
            [CN, 'alice'],
          ),
        }),
      ],
    ]),
    'san-email-trick': async (outer) => {
      const options = { realm: 'staff?authIndexType=service&authIndexValue=mail' }
      const more = [mail('admin@corp.example')]
      counted(outer, refused(await rig.login(person({ more }), options)), 'of a domain that the authority may not name')
      counted(outer, refused(await rig.login(issue({ more }), options)), 'of no authority')
    },
    'utf8-bmp': refuses(() => [
      [person({ name: nameOf([CN, new BmpString({ value: 'admin' })]) })],
      [person({ name: nameOf([CN, new Utf8String({ value: 'admin\u200b' })]) })],
      [person({ name: nameOf([CN, new Utf8String({ value: 'аdmin' })]) })],
    ]),
    'serial-clash': refuses(() => {
      const namesake = issue({ authority: true, name: rig.staff.name })
      return [[issue({ by: namesake, serial: person().serial })], [person({ serial: rig.revoked.serial })]]
    }),
    'header-cert': async (outer) => {
      const { der, pem } = person()
      const escaped = encodeURIComponent(pem)
      const names = ['X-SSL-Client-Cert', 'X-Client-Cert', 'SSL-Client-Cert', 'X-Forwarded-Client-Cert']
      const lines = [`Client-Cert: :${der.toString('base64')}:`, ...names.map((name) => `${name}: ${escaped}`)]
      for (const line of lines)
        counted(outer, refused(await rig.login(undefined, { lines: `${line}\r\n` })), line.slice(0, 30))
      const all = `${lines.join('\r\n')}\r\n`
      counted(outer, refused(await rig.login(undefined, { lines: all })), 'all of them')
      counted(outer, refused(await rig.login(issue(), { lines: all })), 'beside a certificate')
    },
    renegotiation: async (outer) => {
      const socket = await rig.dial(undefined, [], { maxVersion: 'TLSv1.2' })
      const failed = Promise.withResolvers<unknown>()
      socket.once('error', failed.resolve)
      socket.renegotiate({}, failed.resolve)
      counted(outer, /no.renegotiation/i.test(String(await failed.promise)), 'TLS 1.2')
      const third = await rig.dial(undefined, [], { minVersion: 'TLSv1.3' })
      const text = `GET /login/staff HTTP/1.1\r\nHost: login.acme.test:${rig.port}\r\n\r\n`
      counted(outer, refused(await ask(third, text)) && refused(await ask(third, text)), 'TLS 1.3 never asks later')
      third.destroy()
    },
    resumption: async (outer) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        let session: Buffer | undefined
        const first = await rig.dial(person(), [], { maxVersion })
        first.on('session', (ticket: Buffer) => (session = ticket))
        const text = `GET /login/staff HTTP/1.1\r\nHost: login.acme.test:${rig.port}\r\n\r\n`
        counted(outer, signedIn(await ask(first, text)), 'the first')
        const ticket = session ?? first.getSession()
        first.destroy()
        const second = await rig.dial(undefined, [], {
          maxVersion,
          ...(ticket === undefined ? {} : { session: ticket }),
        })
        counted(
          outer,
          !second.isSessionReused() && refused(await ask(second, text)),
          `${maxVersion}: a ticket brings nobody`,
        )
        second.destroy()
      }
    },
    'h2-coalesce': async (outer) => {
      const refusedAlpn = await rig.dial(person(), [], { ALPNProtocols: ['h2'] }).catch(() => undefined)
      counted(outer, refusedAlpn?.alpnProtocol !== 'h2', 'HTTP/2 is not spoken')
      refusedAlpn?.destroy()
      const socket = await rig.dial(person(), [], { servername: 'other.acme.test' })
      const text = `GET /login/staff HTTP/1.1\r\nHost: elsewhere.acme.test:${rig.port}\r\n\r\n`
      counted(outer, /^HTTP\/1\.1 421 /.test(await ask(socket, text)), 'another host on the same connection')
      socket.destroy()
    },
    'asn1-fuzz': async (outer) => {
      const { der } = person()
      for (let i = 0; i < 25; i++) {
        const bytes = Buffer.from(der)
        bytes[(i * 37) % der.length] = (bytes[(i * 37) % der.length] ?? 0) ^ 0x81
        const base64 = (i % 5 === 0 ? der.subarray(0, i * 9) : bytes).toString('base64')
        const pem = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
        counted(outer, refused(await rig.login({ ...person(), pem })), `bytes ${i}`)
      }
      const huge = person({ more: [extension('1.2.3.4', new ArrayBuffer(60_000))] })
      counted(outer, refused(await rig.login(huge)), 'a huge one')
      counted(outer, signedIn(await rig.login(person())), 'and it goes on')
    },
    'chain-10k': async (outer) => {
      const others = Array.from({ length: 40 }, (_, i) => authority({ name: nameOf([CN, `Middle ${i}`]) }))
      const many = Array.from({ length: 10_000 }, (_, i) => others[i % others.length] ?? rig.staff)
      const before = await rig.rssBytes()
      const start = performance.now()
      counted(outer, refused(await rig.login(issue({ by: others[0] ?? rig.staff }), { others: many })), 'ten thousand')
      counted(outer, performance.now() - start < 30_000, 'soon')
      counted(outer, (await rig.rssBytes()) - before < 100_000_000, 'in little memory')
      counted(outer, signedIn(await rig.login(person())), 'and it goes on')
    },
  },
})
