import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM texts. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** An authority that nobody but a test trusts. */
export interface Authority {
  /** PEM certificate: who trusts it trusts what it issues. */
  readonly cert: string
  /** A certificate for these host names, or for a person where there are none. */
  issue(name: string, hosts?: readonly string[]): Pair
  remove(): void
}

export function createAuthority(name: string): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-ca-'))
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const fresh = (subject: string, file: string): readonly string[] => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`]
    return ['req', '-x509', ...key, '-out', `${file}.crt`, '-days', '2', '-subj', `/CN=${subject}`]
  }
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8')
  openssl(...fresh(name, 'ca'))
  let count = 0
  return {
    cert: read('ca.crt'),
    issue(subject, hosts = []) {
      const file = `leaf${++count}`
      const names = hosts.map((host) => `DNS:${host}`).join()
      const extensions = ['-addext', 'basicConstraints=critical,CA:FALSE']
      if (names !== '') extensions.push('-addext', `subjectAltName=${names}`)
      openssl(...fresh(subject, file), '-CA', 'ca.crt', '-CAkey', 'ca.key', ...extensions)
      return { cert: read(`${file}.crt`), key: read(`${file}.key`) }
    },
    remove: () => rmSync(dir, { recursive: true }),
  }
}
