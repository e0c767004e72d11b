import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CN, issue, nameOf, pemOf, revoke, type Issued } from '../../src/authn/modules/x509/certificates.fixture.ts'
import { verificationName } from '../../src/crypto/x509/authority.ts'
import { readCertificate } from '../../src/crypto/x509/certificate.ts'
import { PEOPLE_BASE, person, SERVICE, service } from '../../src/identity/ldap/ldap.fixture.ts'
import { startLdapServer } from '../../src/identity/ldap/ldap-server.fixture.ts'
import { changeLive, writeLive } from './live-config.ts'
import { calm, noServerError, twins } from './oracles.ts'
import type { Rig } from './rig.ts'
import type { WireAnswer } from './wire.ts'

/** Of a proxy that ends TLS. */
const PROXY = '127.0.0.77'

/** Common names that would find somebody, or everybody, in a filter that is put together as text. */
const SUBJECTS = [
  '*',
  'a*',
  'admin)(uid=*',
  '*)(uid=*',
  ')(uid=*',
  '*)(|(uid=*',
  'admin)(|(objectClass=*)',
  'admin))(|(uid=*',
  'x)(!(uid=x',
  '\\61dmin',
  '\\2a',
  `uid=admin,${PEOPLE_BASE}`,
  'admin,ou=people',
  ' admin',
  'ADMIN',
]

function realmYaml(port: number): string {
  const authority = { certificate: '${file:pki/cards.crt}', proof: '${file:pki/cards.proof}' }
  const card = {
    type: 'x509',
    authorities: { own: authority },
    revocation: { crls: ['${file:pki/cards.crl}'] },
    user: { from: 'subject:CN', is: 'username' },
  }
  // JSON is YAML.
  return JSON.stringify({
    directory: {
      type: 'ldap',
      servers: [`ldap://127.0.0.1:${port}`],
      tls: { startTLS: false },
      bind: { dn: SERVICE.dn, password: SERVICE.password },
      users: { base: PEOPLE_BASE },
    },
    authentication: { modules: { card }, chains: { default: [{ module: 'card', criteria: 'REQUIRED' }] } },
  })
}

async function addRealm(rig: Rig, authority: Issued, port: number): Promise<void> {
  const read = readCertificate(authority.der)
  assert.ok(read)
  mkdirSync(join(rig.root, 'pki'))
  writeLive(rig.root, {
    'pki/cards.crt': authority.pem,
    'pki/cards.proof': issue({ by: authority, name: nameOf([CN, verificationName(read)]) }).pem,
    'pki/cards.crl': pemOf('X509 CRL', revoke({ by: authority, revoked: [] })),
  })
  await changeLive(rig, { 'realms/cards/realm.yaml': realmYaml(port) })
}

/** CVE-2026-63488: the subject of a certificate becomes a value of a filter, and nothing else. */
export async function certificateFilter(rig: Rig): Promise<void> {
  const authority = issue({ authority: true, name: nameOf([CN, 'Cards']) })
  const server = await startLdapServer({ entries: [service, person('admin', 'unused'), person('alice', 'unused')] })
  const file = 'agent-config/gatehouse.yaml'
  const before = readFileSync(join(rig.root, file), 'utf8')
  const proxied = `trustedProxies: ["${PROXY}"]\nclientCertificateHeader: { format: rfc9440 }`
  await changeLive(rig, { [file]: before.replace(/^trustedProxies: .*$/m, proxied) })
  await addRealm(rig, authority, server.port)
  const show = async (name: string, from?: string): Promise<WireAnswer | undefined> => {
    rig.tally.sent++
    const { der } = issue({ by: authority, name: nameOf([CN, name]) })
    const shown = `Client-Cert: :${Buffer.from(der).toString('base64')}:\r\n`
    const forwarded = `X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n`
    return rig.ask(`GET /login/cards HTTP/1.1\r\nHost: gw.example.com\r\n${shown}${forwarded}\r\n`, from)
  }
  try {
    assert.equal((await show('admin', PROXY))?.status, 303, 'a sound certificate signs in')
    assert.notEqual((await show('admin'))?.status, 303, 'the header counts from the proxy alone')
    // What reading other configurations took is no attack's doing, before as after.
    await rig.vitals()
    const nobody = await show('nobody', PROXY)
    assert.ok(nobody)
    for (const subject of SUBJECTS) {
      const heard = server.heard.length
      const answer = await show(subject, PROXY)
      noServerError(rig, answer, subject)
      assert.ok(answer)
      twins(rig, nobody, answer, subject)
      const searches = server.heard.slice(heard).filter((each) => each.kind === 'search')
      for (const { filter } of searches) assert.ok(filter.includes(subject), `${subject} is looked for as it is`)
      // What readers would take for different names is nobody before anybody is asked.
      assert.equal(searches.length, subject === subject.trim() ? 1 : 0, subject)
    }
    await calm(rig, 'cert-filter')
  } finally {
    await changeLive(rig, { [file]: before })
    await rig.vitals()
    await server.close()
  }
}
