// The sample configuration, served with the sample applications behind it. `npm start` runs this under the right Node.
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from './node-flags.ts'
import { startSampleApps } from './sample-apps/start-sample-apps.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const HOSTS = {
  login: 'login.acme.localhost',
  app: 'app.acme.localhost',
  pay: 'pay.acme.localhost',
  club: 'club.acme.localhost',
  shop: 'shop.partner.localhost',
  files: 'files.supplier.localhost',
} as const

/** `PORT=0` picks a free one; the sample's URLs name the port, so it has to be known before the gateway starts. */
async function choosePort(wanted: string, host: string): Promise<string> {
  if (wanted !== '0') return wanted
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, host, resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return String(address.port)
}

function main(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdio: ('ignore' | 'inherit' | 'pipe' | 'ipc')[],
): ChildProcess {
  return spawn(process.execPath, [...NODE_FLAGS, join(root, 'src/main.ts'), ...args], { cwd: root, env, stdio })
}

/** Makes the master key on the first start. */
async function initialise(env: NodeJS.ProcessEnv): Promise<void> {
  const child = main(['init', '--config', root], env, ['ignore', 'ignore', 'inherit'])
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error('`gatehouse init` failed; it says above why.')
}

function banner(sites: Readonly<Record<keyof typeof HOSTS, string>>, log: string): string {
  const places = [
    [`${sites.app}/`, 'any employee'],
    [`${sites.app}/public/`, 'needs no login'],
    [`${sites.app}/admin/`, 'forbidden to alice: see who says so'],
    [`${sites.pay}/`, 'finance, with a second factor'],
    [`${sites.pay}/transfer`, 'the same, proved within five minutes'],
    [`${sites.shop}/`, 'another domain, no second login: by OpenID Connect'],
    [`${sites.files}/`, 'a third domain: by SAML'],
    [`${sites.club}/`, 'customers: another realm'],
    [`${sites.login}/`, 'who am I, my applications, sign out'],
    [`${sites.login}/account`, 'my sessions, and what I prove who I am with'],
  ] as const
  const width = Math.max(...places.map(([url]) => url.length))
  return `
Gatehouse is running. Open one of these in a browser:

${places.map(([url, what]) => `  ${url.padEnd(width)}   ${what}`).join('\n')}

Demonstration users (password: NAME-demo-password):

  alice   employees                 bob, carol   employees, finance
  dave    customers                 admin        realm /

What to try: sign in as alice at the first; open the shop, no second login; sign out and watch the event stream end.
Open pay as carol, who sets up an authenticator app there, or as bob, whose app has JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP.
Change a file in agent-config/ or realms/ and see it take over. Log: ${log}. Stop with Ctrl-C.
`
}

const host = process.env['HOST'] ?? '127.0.0.1'
const port = await choosePort(process.env['PORT'] ?? '8080', host)
const data = process.env['GATEHOUSE_DATA'] ?? join(root, '.gatehouse')
if (!existsSync(data)) mkdirSync(data, { recursive: true, mode: 0o700 })

const suffix = port === '80' ? '' : `:${port}`
const sites = Object.fromEntries(
  Object.entries(HOSTS).map(([name, hostname]) => [name, `http://${hostname}${suffix}`]),
) as Record<keyof typeof HOSTS, string>
const apps = await startSampleApps({ sites })
const env = {
  ...process.env,
  HOST: host,
  PORT: port,
  GATEHOUSE_DATA: data,
  ...Object.fromEntries(Object.entries(apps.urls).map(([name, url]) => [`SAMPLE_${name.toUpperCase()}_URL`, url])),
}
await initialise(env)

const log = join(data, 'gatehouse.log')
const gateway = main(['serve', '--config', root], env, ['ignore', 'pipe', 'inherit', 'ipc'])
gateway.stdout?.pipe(createWriteStream(log, { flags: 'a', mode: 0o600 }))
gateway.once('message', () => {
  process.stdout.write(banner(sites, log))
  process.send?.({ kind: 'ready', port: Number(port), sites, gatewayPid: gateway.pid })
})
gateway.once('exit', (code) => {
  process.exitCode = code ?? 1
  if (process.connected) process.disconnect()
  void apps.close()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => gateway.kill(signal))
