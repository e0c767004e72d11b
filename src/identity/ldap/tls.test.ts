import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { openLdap, SERVICE, type LdapScene } from './ldap.fixture.ts'
import type { FixtureOptions } from './ldap-server.fixture.ts'

const ALICE = ['alice', 'alice-contract-password'] as const
const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-ldap-tls-'))
after(() => rmSync(scratch, { recursive: true }))

/** A certificate that vouches for itself: who trusts it trusts this server. */
function certificate(file: string, names: string, days = '2'): { readonly cert: string; readonly key: string } {
  const fresh = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${file}`,
  ]
  const where = ['-keyout', `${file}.key`, '-out', `${file}.crt`, '-addext', `subjectAltName=${names}`, '-days', days]
  execFileSync('openssl', [...fresh, ...where], { cwd: scratch, stdio: 'pipe' })
  return {
    cert: readFileSync(join(scratch, `${file}.crt`), 'utf8'),
    key: readFileSync(join(scratch, `${file}.key`), 'utf8'),
  }
}

const good = certificate('good', 'IP:127.0.0.1')
const named = certificate('named', 'DNS:ldap.example.com')

type Mode = NonNullable<FixtureOptions['tls']>['mode']

function open(t: TestContext, mode: Mode, pair: typeof good, ca: string | undefined): Promise<LdapScene> {
  const scheme = mode === 'ldaps' ? 'ldaps' : 'ldap'
  return openLdap(t, {
    tls: { ...pair, mode },
    config: ([server]) => ({
      servers: [`${scheme}://127.0.0.1:${server?.port}`],
      tls: { startTLS: true, ...(ca === undefined ? {} : { ca }) },
    }),
  })
}

for (const mode of ['ldaps', 'startTLS'] as const) {
  test(`${mode}: every password is sent encrypted, to a server whose certificate is right`, async (t) => {
    const { server, directory } = await open(t, mode, good, good.cert)
    assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
    const binds = server.heard.filter((each) => each.kind === 'bind')
    assert.ok(binds.length >= 2 && binds.every(({ encrypted }) => encrypted))
  })

  test(`CVE-2020-16093, ${mode}: a certificate of another name, or of nobody we trust, is refused`, async (t) => {
    for (const [pair, ca] of [
      [named, named.cert],
      [good, undefined],
      [good, named.cert],
    ] as const) {
      const { server, directory } = await open(t, mode, pair, ca)
      await assert.rejects(directory.checkPassword(...ALICE), { code: 'GH_DIRECTORY_UNAVAILABLE' })
      assert.ok(!server.heard.some(({ kind }) => kind === 'bind' || kind === 'search'), 'nothing was said')
    }
  })
}

test('StartTLS stripping: a server that refuses TLS hears no password', async (t) => {
  const { server, directory } = await openLdap(t, { config: () => ({ tls: { startTLS: true } }) })
  await assert.rejects(directory.checkPassword(...ALICE), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  assert.deepEqual(server.heard, [{ kind: 'startTLS' }])
})

test('StartTLS: whatever else a server says first, no password follows', async (t) => {
  const answers: readonly Buffer[] = [
    Buffer.from('not LDAP at all'),
    // A bind that succeeded, for the message of StartTLS.
    Buffer.from('300c02010161070a010004000400', 'hex'),
    // A StartTLS that succeeded, for another message.
    Buffer.from('300c02010978070a010004000400', 'hex'),
    // Two answers at once.
    Buffer.from('300c02010178070a010004000400300c02010261070a010004000400', 'hex'),
    // Success, and then no TLS.
    Buffer.from('300c02010178070a010004000400', 'hex'),
    Buffer.alloc(0),
  ]
  for (const answer of answers) {
    const heard: Buffer[] = []
    const peer = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (bytes) => {
          heard.push(bytes)
          if (answer.length === 0) socket.end()
          else socket.write(answer)
        })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => peer.once('listening', resolve))
    const { port } = peer.address() as AddressInfo
    const { directory } = await openLdap(t, {
      config: () => ({ servers: [`ldap://127.0.0.1:${port}`], tls: { startTLS: true } }),
    })
    await assert.rejects(directory.checkPassword(...ALICE), { code: 'GH_DIRECTORY_UNAVAILABLE' })
    const said = Buffer.concat(heard).toString('latin1')
    assert.ok(!said.includes(ALICE[1]) && !said.includes(SERVICE.password), answer.toString('hex'))
    directory.close()
    peer.close()
  }
})
