import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pair } from '../certificates.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { scratchDirectory, startProgram, type Program } from './program.ts'

/** One entry: its DN and the values of its attributes. */
export interface SlapdEntry {
  readonly dn: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

export interface SlapdOptions {
  readonly entries: readonly SlapdEntry[]
  /** Without one it speaks no TLS. */
  readonly tls?: Pair & { readonly ca: string }
}

export interface Slapd {
  readonly port: number
  readonly tlsPort: number
  stop(): Promise<void>
}

export const SUFFIX = 'dc=example,dc=com'
export const ADMIN = { dn: `cn=admin,${SUFFIX}`, password: 'admin-interop-password' }
/** May read everything but passwords. */
export const READER = { dn: `cn=gatehouse,${SUFFIX}`, password: 'reader-interop-password' }

/** OpenLDAP's slapd with a database of its own, the overlays for password policy and memberOf, and the entries in it. */
export async function startSlapd({ entries, tls }: SlapdOptions): Promise<Slapd> {
  const scratch = scratchDirectory('slapd')
  const write = (name: string, text: string): string => {
    writeFileSync(join(scratch.path, name), text)
    return join(scratch.path, name)
  }
  mkdirSync(join(scratch.path, 'db'))
  const secure =
    tls === undefined
      ? ''
      : `TLSCACertificateFile ${write('ca.crt', tls.ca)}
TLSCertificateFile ${write('server.crt', tls.cert)}
TLSCertificateKeyFile ${write('server.key', tls.key)}
`
  const conf = write('slapd.conf', configuration(scratch.path, secure))
  const tools = { cwd: scratch.path, env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } }
  execFileSync('slapadd', ['-q', '-f', conf, '-l', write('all.ldif', ldif(entries))], { ...tools, stdio: 'pipe' })
  const [port, tlsPort] = [await freePort(), await freePort()]
  const listen = `ldap://127.0.0.1:${port}${tls === undefined ? '' : ` ldaps://127.0.0.1:${tlsPort}`}`
  let slapd: Program
  try {
    slapd = await startProgram({
      command: 'slapd',
      args: ['-f', conf, '-h', listen, '-d', 'stats'],
      cwd: scratch.path,
      ready: /slapd starting/,
    })
  } catch (error) {
    scratch.remove()
    throw error
  }
  return {
    port,
    tlsPort,
    async stop() {
      await slapd.stop()
      scratch.remove()
    },
  }
}

function configuration(directory: string, secure: string): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile ${directory}/slapd.pid
sizelimit 50
${secure}
database mdb
suffix "${SUFFIX}"
rootdn "${ADMIN.dn}"
rootpw ${ADMIN.password}
directory ${directory}/db
overlay memberof
overlay ppolicy
ppolicy_default "cn=default,ou=policies,${SUFFIX}"
ppolicy_use_lockout
access to attrs=userPassword by self =wx by anonymous auth by * none
access to * by dn.exact="${READER.dn}" read by * auth
`
}

/** Every value in base64 (RFC 2849), whatever is in it. */
function ldif(entries: readonly SlapdEntry[]): string {
  const line = (name: string, value: string): string => `${name}:: ${Buffer.from(value).toString('base64')}`
  return entries
    .map(({ dn, attributes }) =>
      [
        line('dn', dn),
        ...Object.entries(attributes).flatMap(([name, values]) => values.map((value) => line(name, value))),
      ].join('\n'),
    )
    .join('\n\n')
}
