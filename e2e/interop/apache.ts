import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram, type Program } from './program.ts'

/** For a gateway behind which Apache itself signs people in: no site of its own, and a chain `strong` that proves level 2. */
export const SIGNING_IN = {
  agents: { app: { upstream: { servers: ['http://127.0.0.1:9'] }, ssoOnly: true } },
  realm: {
    authentication: {
      modules: { password: { type: 'password' }, strong: { type: 'password', authLevel: 2 } },
      chains: {
        default: [{ module: 'password', criteria: 'REQUIRED' }],
        strong: [{ module: 'strong', criteria: 'REQUIRED' }],
      },
    },
  },
}

export interface ApacheOptions {
  /** Of everything that it has; it may be written to in `run`. */
  readonly directory: string
  /** As browsers reach it. */
  readonly serverName: string
  readonly port: number
  /** Scripts below `www`, each of which says its environment. */
  readonly scripts: readonly string[]
  /** The module that signs people in: its name and its file's. */
  readonly module: readonly [name: string, file: string]
  /** Everything that is the module's own. */
  readonly conf: string
}

const MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias', 'cgid'].map(
  (name) => [`${name}_module`, `mod_${name}.so`] as const,
)

/** Apache as Debian has it, with one module more. */
export function startApache(options: ApacheOptions): Promise<Program> {
  const { directory, serverName, port, scripts, module, conf } = options
  const run = join(directory, 'run')
  mkdirSync(run, { recursive: true })
  chmodSync(run, 0o777)
  for (const script of scripts) {
    const path = join(directory, 'www', script)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nenv | sort\n')
    chmodSync(path, 0o755)
  }
  const server = join(directory, 'server.conf')
  writeFileSync(
    server,
    `
ServerRoot ${directory}
ServerName ${serverName}
UseCanonicalName On
Listen 127.0.0.1:${port}
PidFile ${run}/httpd.pid
DefaultRuntimeDir ${run}
ErrorLog "|/bin/cat"
LogLevel notice
User www-data
Group www-data
${[...MODULES, module].map(([name, file]) => `LoadModule ${name} /usr/lib/apache2/modules/${file}`).join('\n')}
ScriptSock ${run}/cgid.sock
DocumentRoot ${directory}/www
${conf}
`,
  )
  return startProgram({
    command: 'apache2',
    args: ['-f', server, '-D', 'FOREGROUND'],
    cwd: directory,
    ready: /resuming normal operations/,
  })
}
