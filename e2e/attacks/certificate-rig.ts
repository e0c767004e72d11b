import { createServer, type AddressInfo } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { verificationName } from '../../src/crypto/x509/authority.ts'
import { readCertificate } from '../../src/crypto/x509/certificate.ts'
import { CN, issue, nameOf, pemOf, revoke, type Issued } from '../../src/authn/modules/x509/certificates.fixture.ts'
import { hashOf, gatehouseYaml, agentYaml, startOwnRig } from '../own-rig.ts'

/** A gateway where people of two realms sign in by certificates of two authorities, over TLS of its own. */
export interface CertificateRig {
  /** Of the realm of staff. */
  readonly staff: Issued
  /** Of the realm of partners. */
  readonly partners: Issued
  /** Of alice, and revoked. */
  readonly revoked: Issued
  /** An address that certificates may name, and that nobody may ever dial. */
  readonly bait: string
  /** Connections to it. */
  dialled(): number
  readonly port: number
  log(): string
  rssBytes(): Promise<number>
  running(): boolean
  /** Connects; `shown` is sent as the certificate, the others behind it. */
  dial(shown?: Issued, others?: readonly Issued[], more?: ConnectionOptions): Promise<TLSSocket>
  /** The answer to the login page of a realm; empty where the connection was cut. */
  login(shown?: Issued, options?: LoginOptions): Promise<string>
  stop(): Promise<void>
}

export interface LoginOptions {
  readonly others?: readonly Issued[]
  readonly realm?: string
  readonly lines?: string
}

export function signedIn(answer: string): boolean {
  return /^HTTP\/1\.1 303 /.test(answer) && /SSOTokenID=[^;\s]{20}/.test(answer)
}

export function refused(answer: string): boolean {
  return !/SSOTokenID=[^;\s]{20}/.test(answer) && (answer === '' || /^HTTP\/1\.1 403 /.test(answer))
}

/** Reads one answer, on a connection that stays open. */
export async function ask(socket: TLSSocket, text: string): Promise<string> {
  let answer = ''
  socket.setEncoding('latin1')
  const done = Promise.withResolvers<undefined>()
  const onData = (part: string): void => {
    answer += part
    const end = answer.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(answer.slice(0, Math.max(end, 0)))?.[1] ?? 0)
    const isWhole = /transfer-encoding: chunked/i.test(answer)
      ? answer.endsWith('0\r\n\r\n')
      : answer.length >= end + 4 + length
    if (end > 0 && isWhole) done.resolve(undefined)
  }
  socket.on('data', onData)
  socket.once('close', () => done.resolve(undefined))
  socket.write(text)
  await done.promise
  socket.off('data', onData)
  return answer
}

function moduleYaml(authority: string, bait: string): string {
  return `authentication:
  modules:
    x509:
      type: x509
      authorities: { own: { certificate: '\${file:pki/${authority}.crt}', proof: '\${file:pki/${authority}.proof}' } }
      revocation: { crls: ['\${file:pki/${authority}.crl}'], ocspFromCertificate: ['http://ocsp.example'] }
      user: { from: 'subject:CN' }
    down:
      type: x509
      authorities: { own: { certificate: '\${file:pki/${authority}.crt}', proof: '\${file:pki/${authority}.proof}' } }
      revocation: { ocsp: '${bait}' }
      user: { from: 'subject:CN' }
    mail:
      type: x509
      authorities: { own: { certificate: '\${file:pki/${authority}.crt}', proof: '\${file:pki/${authority}.proof}', domains: [staff.example] } }
      revocation: { crls: ['\${file:pki/${authority}.crl}'] }
      user: { from: email, is: mail }
  chains:
    default: [{ module: x509, criteria: REQUIRED }]
    down: [{ module: down, criteria: REQUIRED }]
    mail: [{ module: mail, criteria: REQUIRED }]
`
}

export async function startCertificateRig(): Promise<CertificateRig> {
  const authority = (name: string): Issued => issue({ authority: true, name: nameOf([CN, name]) })
  const [staff, partners, web] = [authority('Staff'), authority('Partners'), authority('Web')]
  const revoked = issue({ by: staff })
  const server = issue({ by: web, name: nameOf([CN, 'login.acme.test']), purposes: ['1.3.6.1.5.5.7.3.1'] })
  let dialled = 0
  const trap = createServer((socket) => {
    dialled++
    socket.destroy()
  })
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
  const bait = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/x`
  const hash = await hashOf('not used')
  const users = `users:\n  - { username: alice, password: '${hash}', attributes: { mail: admin@corp.example } }\n  - { username: admin, password: '${hash}' }\n`
  const files: Record<string, string> = {}
  for (const [name, of] of [
    ['staff', staff],
    ['partners', partners],
  ] as const) {
    const read = readCertificate(of.der)
    if (read === undefined) throw new Error('the authority cannot be read')
    files[`pki/${name}.crt`] = of.pem
    files[`pki/${name}.proof`] = issue({ by: of, name: nameOf([CN, verificationName(read)]) }).pem
    files[`pki/${name}.crl`] = pemOf('X509 CRL', revoke({ by: of, revoked: of === staff ? [revoked] : [] }))
    files[`realms/${name}/realm.yaml`] = moduleYaml(name, bait)
    files[`realms/${name}/users.yaml`] = users
  }
  const tls = `tls: { certificates: [{ cert: '\${file:pki/server.crt}', key: '\${file:pki/server.key}' }], clientCertificates: {} }`
  const secure = (yaml: string): string =>
    yaml
      .replaceAll('http://login.', 'https://login.')
      .replaceAll('url: http:', 'url: https:')
      .replace(/listeners: .*/, `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}', ${tls} }]`)
  const rig = await startOwnRig({
    files: {
      ...files,
      'pki/server.crt': server.pem,
      'pki/server.key': server.keyPem,
      'agent-config/gatehouse.yaml': secure(gatehouseYaml()),
      'agent-config/app.yaml': secure(agentYaml('app', 'http://127.0.0.1:9')),
      'realms/realm.yaml': '',
    },
  })
  let ended = false
  void rig.ended.then(() => (ended = true))
  const dial: CertificateRig['dial'] = async (shown, others = [], more = {}) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: rig.port, servername: 'login.acme.test', rejectUnauthorized: false },
      ...(shown === undefined ? {} : { key: shown.keyPem, cert: [shown, ...others].map(({ pem }) => pem).join('') }),
      ...more,
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    socket.on('error', () => undefined)
    return socket
  }
  return {
    staff,
    partners,
    revoked,
    bait,
    dialled: () => dialled,
    port: rig.port,
    log: () => rig.log(),
    rssBytes: async () => {
      const { readFile } = await import('node:fs/promises')
      const status = await readFile(`/proc/${rig.pid}/status`, 'utf8')
      return 1_024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    },
    running: () => !ended,
    dial,
    async login(shown, { others = [], realm = 'staff', lines = '' } = {}) {
      const socket = await dial(shown, others).catch(() => undefined)
      if (socket === undefined) return ''
      const text = `GET /login/${realm} HTTP/1.1\r\nHost: login.acme.test:${rig.port}\r\n${lines}\r\n`
      const answer = await ask(socket, text)
      socket.destroy()
      return answer
    },
    async stop() {
      await rig.stop()
      trap.close()
    },
  }
}
