import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_PRESENTED, type Presented } from '../../../http/presented.ts'
import { verificationName } from '../../../crypto/x509/authority.ts'
import { readCertificate } from '../../../crypto/x509/certificate.ts'
import { context, createBench, DESTINATION, done, EMPLOYEES } from '../../login.fixture.ts'
import { CN, issue, nameOf } from './certificates.fixture.ts'

test('a session that ends while a certificate strengthens it: the login asks nothing, and comes to an end all the same', async (t) => {
  const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })
  const read = readCertificate(ca.der) ?? assert.fail('unreadable')
  const proof = issue({ by: ca, name: nameOf([CN, verificationName(read)]) }).pem
  const x509 = {
    type: 'x509',
    authorities: { corp: { certificate: ca.pem, proof } },
    revocation: { unknown: 'accept' },
    user: { from: 'subject:CN' },
  }
  const chains = { default: [{ module: 'x509', criteria: 'REQUIRED' }] }
  const { authn, sessions } = await createBench(t, { authentication: { modules: { x509 }, chains } })
  const alice = issue({ by: ca, name: nameOf([CN, 'alice']) })
  let looks = 0
  const certificate: Presented['certificate'] = () => {
    if (++looks > 10) throw new Error('it goes round for ever')
    return { leaf: alice.der, others: [] }
  }
  const presented = { ...NOTHING_PRESENTED, certificate }
  const begin = (demand: object, session = context().session) =>
    authn.begin(
      { realm: EMPLOYEES, demand: { level: undefined, force: false, ...demand }, destination: DESTINATION },
      context(session, { presented }),
    )
  const { session } = done(await begin({})).issued
  await sessions.end(session.sid, 'logout', { requestId: undefined, clientIp: undefined })
  assert.equal((await begin({ level: 1 }, session)).kind, 'expired')
})
