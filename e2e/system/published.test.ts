import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { until } from '../until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What package.json publishes, built, with nothing else beside it but the dependencies. */
let published: string
let app: EchoApp

interface Manifest {
  readonly version: string
  readonly files: readonly string[]
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

before(async () => {
  published = mkdtempSync(join(tmpdir(), 'gatehouse-published-'))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const out = join(published, 'dist')
  // As `npm run build` does, but for the types, which `npm test` checks by themselves.
  const args = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', out]
  execFileSync(process.execPath, [tsc, ...args], { stdio: 'inherit' })
  for (const path of ['package.json', ...manifest.files.filter((file) => file !== 'dist')])
    cpSync(join(root, path), join(published, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(published, 'node_modules'))
  app = await startEchoApp()
})

after(async () => {
  await app.close()
  rmSync(published, { recursive: true })
})

/** The environment of a person who has Node 24 and has set nothing of ours but the port. */
function environment(port: number): NodeJS.ProcessEnv {
  const { HOST: _host, GATEHOUSE_DATA: _data, ...rest } = process.env
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
  return { ...rest, PATH: path, PORT: String(port) }
}

/** The code blocks of the README's walk-through, in order. */
function walkThrough(): readonly { readonly language: string; readonly text: string }[] {
  const [, section = ''] =
    /\n## Your first protected application[^\n]*\n(.*?)\n## /s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  return [...section.matchAll(/^( *)```(\w+)\n(.*?)^ *```/gms)].map(([, indent = '', language = '', block = '']) => ({
    language,
    text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

test('the built command answers: version, help, check of what is not there, and what it does not know', () => {
  const run = (...args: readonly string[]): readonly [number | null, string] => {
    const { status, stdout } = spawnSync(process.execPath, [join(published, 'dist/main.js'), ...args], {
      encoding: 'utf8',
      cwd: published,
    })
    return [status, stdout]
  }
  assert.deepEqual(run('version'), [0, `gatehouse ${manifest.version}\n`])
  assert.match(run('--help')[1], /^Usage: gatehouse /)
  assert.equal(run('check')[0], 1)
  assert.equal(run('nonsense')[0], 2)
})

test(
  'the five minutes of the README, followed to the letter, end at the application',
  { timeout: 110_000 },
  async () => {
    const blocks = walkThrough()
    assert.deepEqual(
      blocks.map(({ language }) => language),
      ['sh', 'yaml', 'yaml', 'yaml', 'sh'],
    )
    const [first, site, users, realm, last] = blocks.map(({ text }) => text)
    const port = await freePort()
    const env = environment(port)
    const shell = (script: string, cwd: string, input = ''): string =>
      execFileSync('sh', ['-e', '-c', script], { cwd, env, input, encoding: 'utf8' })
    const [alias = '', init = ''] = (first ?? '').split('\n')
    const known = alias.replace('$PWD', published)

    const said = shell(`${alias}\n${init}\npwd`, published)
    const config = join(published, 'my-gateway')
    assert.equal(said.split('\n').at(-2), config)
    assert.match(said, /^wrote [^\n]*master\.key$/m)
    const hash = shell(`${known}\ngatehouse hash-password`, config, 'erin-first-password\n').trim()

    const write = (path: string, text = ''): void => {
      mkdirSync(dirname(join(config, path)), { recursive: true })
      writeFileSync(join(config, path), text)
    }
    const siteHere = site?.replace(':8080', `:${port}`).replace('http://127.0.0.1:3000', app.url)
    write('agent-config/wiki.yaml', siteHere)
    write('realms/staff/users.yaml', users?.replace('$argon2id$v=19$m=19456,t=2,p=1$…', hash))
    write('realms/staff/realm.yaml', realm)

    const gatehouse = startShell(`${known}\n${last ?? ''}`, config, env)
    const wiki = `http://wiki.acme.localhost:${port}/`
    const client = new Client()
    await until('it listens', () => gatehouse.out().includes('"listening"'))
    assert.match(gatehouse.out(), /^The configuration is valid: 0 errors, 0 warnings\.\n/)
    const page = await client.open(wiki)
    assert.match(page.body, /Acme Staff/)
    const home = await client.signIn(page, 'erin', 'erin-first-password')
    assert.deepEqual([home.status, home.url], [200, wiki])
    await assertIdentity(client, port)

    write('agent-config/wiki.yaml', `${siteHere ?? ''}notEnforced: [{ path: /open }]\n`)
    await until('the change takes over', async () => (await new Client().call(`${wiki}open`)).status === 200)
    process.kill(gatehouse.pid(), 'SIGTERM')
    assert.equal(await gatehouse.ended, 0)
    assert.equal(gatehouse.errors(), '')
  },
)

/** What the README says the application receives. */
async function assertIdentity(client: Client, port: number): Promise<void> {
  const { 'x-remote-user': user, 'x-gatehouse-assertion': assertion, cookie } = app.seen.at(-1)?.headers ?? {}
  assert.deepEqual([user, cookie], ['erin', undefined])
  const keys = createRemoteJWKSet(new URL(`http://login.acme.localhost:${port}/.well-known/jwks.json`), {
    [customFetch]: async (url) => new Response((await client.call(url)).body),
  })
  const { payload } = await jwtVerify(String(assertion), keys, { issuer: `http://login.acme.localhost:${port}` })
  assert.equal(payload['username'] ?? payload.sub, 'erin')
}

interface Shell {
  out(): string
  errors(): string
  /** The gateway's process, which the shell waits for. */
  pid(): number
  readonly ended: Promise<number | null>
}

function startShell(script: string, cwd: string, env: NodeJS.ProcessEnv): Shell {
  const child: ChildProcess = spawn('sh', ['-e', '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, errors] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return {
    out: () => out,
    errors: () => errors,
    pid: () => Number(/"pid":(\d+)/.exec(out)?.[1]),
    ended: new Promise((resolve) => child.once('close', resolve)),
  }
}
