import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CN, issue, nameOf, type Issued } from './certificates.fixture.ts'
import { readCertificate, type Certificate } from '../../../crypto/x509/certificate.ts'
import { askResponder } from './responder.ts'

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })
const [good, revoked] = [issue({ by: ca }), issue({ by: ca })]

function read({ der }: Issued): Certificate {
  const certificate = readCertificate(der)
  assert.ok(certificate)
  return certificate
}

interface Behaviour {
  readonly signer?: Issued
  readonly arguments?: readonly string[]
  /** In place of the responder's answer. */
  readonly change?: (answer: Buffer) => Buffer
  readonly status?: number
}

/** OpenSSL's responder, an independent peer, behind HTTP. */
async function responder(
  t: TestContext,
  { signer = ca, arguments: more = ['-ndays', '1'], change, status }: Behaviour = {},
) {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-ocsp-'))
  const file = (name: string, text: string | Buffer): string => {
    writeFileSync(join(dir, name), text)
    return name
  }
  const serial = (of: Issued): string => read(of).serial.toUpperCase()
  const rows = [
    ['V', '350101000000Z', '', serial(good), 'unknown', '/CN=good'],
    ['R', '350101000000Z', '250101000000Z', serial(revoked), 'unknown', '/CN=revoked'],
  ]
  file('index', `${rows.map((row) => row.join('\t')).join('\n')}\n`)
  file('ca.pem', ca.pem)
  file('signer.pem', signer.pem)
  file('signer.key', signer.keyPem)
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      file('request', Buffer.concat(chunks))
      const own = ['-index', 'index', '-CA', 'ca.pem', '-rsigner', 'signer.pem', '-rkey', 'signer.key']
      const files = ['-reqin', 'request', '-respout', 'answer']
      execFileSync('openssl', ['ocsp', ...own, ...files, ...more], { cwd: dir, stdio: 'pipe' })
      const answer = readFileSync(join(dir, 'answer'))
      response.writeHead(status ?? 200, { 'content-type': 'application/ocsp-response' }).end(change?.(answer) ?? answer)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    rmSync(dir, { recursive: true })
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return (of: Issued, { now = Date.now(), requireNonce = true, maxBytes = 65_536 } = {}) =>
    askResponder({
      ...{ certificate: read(of), issuer: read(ca), url, requireNonce, now },
      limits: { timeoutMs: 5_000, maxBytes },
    })
}

test('RFC 6960: the responder of the authority says good, revoked or unknown', async (t) => {
  const ask = await responder(t)
  assert.equal(await ask(good), 'good')
  assert.equal(await ask(revoked), 'revoked')
  assert.equal(await ask(issue({ by: ca })), 'unknown')
})

test('who answers is the authority, or appointed by it for this', async (t) => {
  const appointed = issue({ by: ca, name: nameOf([CN, 'responder']), purposes: [OCSP_SIGNING] })
  assert.equal(await (await responder(t, { signer: appointed }))(good), 'good')
  const person = issue({ by: ca, name: nameOf([CN, 'person']) })
  assert.equal(await (await responder(t, { signer: person }))(good), 'unknown', 'a person of the authority')
  const past = Date.now() - 86_400_000
  const old = issue({ by: ca, name: nameOf([CN, 'old']), purposes: [OCSP_SIGNING], from: past - 1_000, until: past })
  assert.equal(await (await responder(t, { signer: old }))(good), 'unknown', 'no longer')
  const stranger = issue({ authority: true, name: ca.name, purposes: [OCSP_SIGNING] })
  assert.equal(await (await responder(t, { signer: stranger }))(good), 'unknown', 'a namesake')
})

test('an answer is of now, repeats the nonce, and is whole', async (t) => {
  const ask = await responder(t)
  assert.equal(await ask(good, { now: Date.now() + 2 * 86_400_000 }), 'unknown', 'after nextUpdate')
  assert.equal(await ask(good, { now: Date.now() - 3_600_000 }), 'unknown', 'before thisUpdate')
  assert.equal(await ask(good, { maxBytes: 100 }), 'unknown', 'too large')
  let first: Buffer | undefined
  const replaying = await responder(t, { change: (answer) => (first ??= answer) })
  assert.equal(await replaying(good), 'good')
  assert.equal(await replaying(good), 'unknown', 'another nonce')
  assert.equal(await replaying(good, { requireNonce: false }), 'unknown', 'a wrong one is worse than none')
  const broken = await responder(t, {
    arguments: ['-ndays', '1', '-resp_no_certs'],
    change: (answer) => Buffer.concat([answer.subarray(0, -1), Buffer.of((answer.at(-1) ?? 0) ^ 1)]),
  })
  assert.equal(await broken(good), 'unknown')
  assert.equal(await (await responder(t, { status: 500 }))(good), 'unknown')
  assert.equal(await (await responder(t, { change: () => Buffer.from('no') }))(good), 'unknown')
})
