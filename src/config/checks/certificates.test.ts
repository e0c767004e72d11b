import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { verificationName } from '../../crypto/x509/authority.ts'
import { readCertificate } from '../../crypto/x509/certificate.ts'
import { CN, issue, nameOf, type Issued } from '../../authn/modules/x509/certificates.fixture.ts'
import { HASH, MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })
const certificate = readCertificate(ca.der)
assert.ok(certificate)
const wanted = verificationName(certificate)

async function said(
  context: TestContext,
  authority: Issued,
  proof: Issued | undefined,
  revocation: string,
): Promise<string> {
  const own = `certificate: '\${file:ca.crt}'${proof === undefined ? '' : ", proof: '\${file:proof.crt}'"}`
  const files = {
    'ca.crt': authority.pem,
    'proof.crt': (proof ?? authority).pem,
    'realms/staff/realm.yaml': `authentication:
  modules:
    x509: { type: x509, authorities: { own: { ${own} } }, revocation: { ${revocation} }, user: { from: email } }
  chains: { default: [{ module: x509, criteria: REQUIRED }] }
`,
    'realms/staff/users.yaml': `users:\n  - { username: alice, password: "${HASH}" }\n`,
  }
  return (await problemsOf(context, files, { env: { KEY: MASTER_KEY } })).join('\n')
}

test('an authority that is not verified is a warning with the name that it has to issue for', async (context) => {
  assert.match(
    await said(context, ca, undefined, 'unknown: accept'),
    new RegExp(`warning: the authority is not verified.* ${wanted}`),
  )
  assert.match(await said(context, ca, issue({ by: ca }), 'unknown: accept'), new RegExp(wanted))
  assert.equal(await said(context, ca, issue({ by: ca, name: nameOf([CN, wanted]) }), 'unknown: accept'), '')
})

test('a certificate that is no authority’s, and a module that refuses everybody, are told', async (context) => {
  assert.match(
    await said(context, issue(), undefined, 'unknown: accept'),
    /: the certificate is not one of an authority/,
  )
  const proof = issue({ by: ca, name: nameOf([CN, wanted]) })
  assert.match(await said(context, ca, proof, ''), /warning: nothing says which certificates were revoked/)
})
