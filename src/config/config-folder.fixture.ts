import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig, type LoadOptions } from './load.ts'
import { formatProblem } from './problems.ts'

export const MASTER_KEY = 'q2Zt5nVJ0cKx8BwLrD1eYhTgUo7fMiSa4PzN3EvXk9Q'
export const HASH = '$argon2id$v=19$m=19456,t=2,p=1$Ct5/NApYlorwWm0FdFZs7A$WTgrr3wuZU8iNkdxN4oFpSGNfo8r6uRsH23zuDWI4Xk'

/** The least configuration without any problem. */
const SOUND: Readonly<Record<string, string>> = {
  'agent-config/gatehouse.yaml': [
    'listeners:',
    '  - port: 8080',
    'login:',
    '  url: http://login.acme.localhost:8080',
    'secrets:',
    '  masterKey: ${file:master.key}',
    '',
  ].join('\n'),
  'agent-config/app.yaml': [
    'url: http://app.acme.localhost:8080',
    'realm: /staff',
    'upstream: { servers: [http://127.0.0.1:9001] }',
    'ssoOnly: true',
    '',
  ].join('\n'),
  'realms/realm.yaml': '',
  'realms/staff/realm.yaml': 'look: { title: Staff }\n',
  'master.key': `${MASTER_KEY}\n`,
}

export type Files = Readonly<Record<string, string | undefined>>

export interface ConfigFolder {
  readonly root: string
  readonly write: (file: string, text: string) => void
  readonly remove: (file: string) => void
}

/** A configuration in a directory of its own: a sound one, with files added, replaced or (`undefined`) left out. */
export function configFolder(context: TestContext, files: Files = {}): ConfigFolder {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text, { mode: 0o600 })
  }
  for (const [file, text] of Object.entries({ ...SOUND, ...files })) if (text !== undefined) write(file, text)
  return { root, write, remove: (file) => rmSync(join(root, file), { recursive: true }) }
}

/** What loading that configuration says, as people read it. */
export async function problemsOf(context: TestContext, files: Files, options: LoadOptions = {}): Promise<string[]> {
  const { problems } = await loadConfig(configFolder(context, files).root, { env: {}, ...options })
  return problems.map(formatProblem)
}

/** A self-signed certificate and its key, as PEM. */
export function keyPair(context: TestContext): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pem-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=app.acme.localhost', '-days', '2', '-nodes']
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  execFileSync('openssl', ['req', '-x509', ...algorithm, ...subject, '-out', cert, '-keyout', key], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
