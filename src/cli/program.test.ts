import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { fault } from '../errors.ts'
import { runProgram } from './program.ts'
import type { Serve } from './serve.ts'
import type { ExitCode, Keyboard, Terminal } from './terminal.ts'

class Exited extends Error {
  readonly code: ExitCode
  constructor(code: ExitCode) {
    super(`exit ${code}`)
    this.code = code
  }
}

interface Surroundings {
  readonly stdin?: Keyboard
  readonly env?: Terminal['env']
  readonly serve?: Serve
}

/** Runs one command line in this process and says what came of it. */
async function run(args: readonly string[], { stdin = Readable.from([]), env = {}, serve }: Surroundings = {}) {
  const said = { out: '', err: '', code: 0 }
  const terminal: Terminal = {
    stdin,
    env,
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => void (said.code = code),
    exit: (code) => {
      throw new Exited(code)
    },
  }
  try {
    await runProgram(args, { terminal, serve: serve ?? (() => Promise.resolve()) })
  } catch (error) {
    if (!(error instanceof Exited)) throw error
    said.code = error.code
  }
  return said
}

function emptyFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('init in an empty directory makes a key and a configuration that check accepts', async (context) => {
  const config = join(emptyFolder(context), 'gateway')
  const made = await run(['init', '--config', config])
  assert.deepEqual([made.code, made.err], [0, ''])
  const key = join(config, '.gatehouse/master.key')
  assert.match(readFileSync(key, 'utf8'), /^[A-Za-z0-9_-]{43}\n$/)
  assert.equal(statSync(key).mode & 0o777, 0o600)
  assert.equal(statSync(join(config, '.gatehouse')).mode & 0o777, 0o700)
  assert.doesNotMatch(made.out, new RegExp(readFileSync(key, 'utf8').trim()))
  assert.deepEqual(await run(['check', '--config', config]), {
    out: 'The configuration is valid: 0 errors, 0 warnings.\n',
    err: '',
    code: 0,
  })
})

test('init overwrites nothing, and writes no configuration beside one that is there', async (context) => {
  const config = emptyFolder(context)
  await run(['init', '--config', config])
  const before = readFileSync(join(config, '.gatehouse/master.key'), 'utf8')
  rmSync(join(config, 'realms'), { recursive: true })
  writeFileSync(join(config, 'agent-config/gatehouse.yaml'), 'mine')
  const again = await run(['init', '--config', config])
  assert.equal(again.out, `kept ${join(config, '.gatehouse/master.key')}\n`)
  assert.equal(readFileSync(join(config, '.gatehouse/master.key'), 'utf8'), before)
  assert.equal(readFileSync(join(config, 'agent-config/gatehouse.yaml'), 'utf8'), 'mine')
  assert.equal(existsSync(join(config, 'realms')), false)
})

test('init in the folder of the profiles writes nothing and says which folder is meant', async (context) => {
  const config = emptyFolder(context)
  await run(['init', '--config', config])
  const inside = await run(['init', '--config', join(config, 'agent-config')])
  assert.deepEqual([inside.code, inside.out], [1, ''])
  assert.ok(inside.err.endsWith(`name the folder that agent-config/ is in: --config ${config}\n`), inside.err)
  assert.deepEqual(
    readdirSync(join(config, 'agent-config')).filter((name) => !name.endsWith('.yaml')),
    [],
  )
})

test('init puts the key where GATEHOUSE_DATA says, as the configuration does, and two at once make one key', async (context) => {
  const config = emptyFolder(context)
  const env = { GATEHOUSE_DATA: join(config, 'data') }
  const both = await Promise.all([
    run(['init', '--config', config], { env }),
    run(['init', '--config', config], { env }),
  ])
  const said = both.flatMap(({ out }) => out.split('\n').filter((line) => line.endsWith('master.key'))).sort()
  assert.deepEqual(
    said.map((line) => line.split(' ')[0]),
    ['kept', 'wrote'],
  )
  assert.equal((await run(['check', '--config', config], { env })).code, 0)
})

test('init that cannot write says why and exits with 1', async (context) => {
  const config = emptyFolder(context)
  writeFileSync(join(config, 'file'), '')
  const { code, err } = await run(['init', '--config', join(config, 'file')])
  assert.equal(code, 1)
  assert.match(err, /^gatehouse: E/)
})

test('check reports every problem with file, line and column, and exits with 1', async (context) => {
  const config = emptyFolder(context)
  await run(['init', '--config', config])
  writeFileSync(join(config, 'agent-config/app.yaml'), 'url: http://app.test\nraelm: /\nupstream: { servers: [] }\n')
  const { out, code } = await run(['check', '--config', config])
  const at = (file: string): string => join(config, 'agent-config', file)
  assert.deepEqual(out.split('\n'), [
    `${at('app.yaml')}:1:1: realm: this is required; write a text (The realm whose sessions open the site)`,
    `${at('app.yaml')}:2:1: unknown key "raelm"; did you mean "realm"?`,
    `${at('app.yaml')}:3:22: upstream.servers: write at least 1 entry`,
    'The configuration is not valid: 3 errors, 0 warnings.',
    '',
  ])
  assert.equal(code, 1)
})

test('check --json prints one document with the same problems', async (context) => {
  const config = emptyFolder(context)
  await run(['init', '--config', config])
  mkdirSync(join(config, 'realms/x'))
  const { out, code } = await run(['check', '--json', '--config', config])
  assert.deepEqual(JSON.parse(out), {
    ok: false,
    problems: [
      {
        severity: 'error',
        file: join(config, 'realms/x/realm.yaml'),
        line: 1,
        column: 1,
        message: 'this file is missing; a realm folder needs one, and it may be empty',
      },
    ],
  })
  assert.equal(code, 1)
})

test('hash-password hashes what a pipe gives, without its line end', async () => {
  const { out, code } = await run(['hash-password'], {
    stdin: Readable.from([Buffer.from('pä'), Buffer.from('ss word\n')]),
  })
  assert.equal(code, 0)
  assert.match(out, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^\n]+\n$/)
  assert.equal(await createPasswordHasher().verify(out.trim(), 'päss word'), true)
})

test('hash-password takes no password as an argument, and does not repeat it', async () => {
  const { out, err, code } = await run(['hash-password', 'hunter2'], { stdin: Readable.from(['x\n']) })
  assert.deepEqual([out, code], ['', 2])
  assert.doesNotMatch(err, /hunter2/)
})

test('hash-password refuses an empty pipe, several lines and far too much', async () => {
  for (const input of ['', '\n', 'a\nb\n', 'x'.repeat(70_000), 'x'.repeat(1_025)]) {
    const { out, code } = await run(['hash-password'], { stdin: Readable.from([input]) })
    assert.deepEqual([out, code], ['', 2], input.slice(0, 10))
  }
})

/** A keyboard that types the lines, one key after another; says whether echo was off meanwhile. */
function keyboard(...lines: readonly string[]): { stdin: Keyboard; raw: boolean[] } {
  const raw: boolean[] = []
  const stdin = new PassThrough()
  for (const line of lines) stdin.write(line)
  return { stdin: Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => raw.push(on) }), raw }
}

test('hash-password at a terminal asks twice without echo; backspace works', async () => {
  const { stdin, raw } = keyboard('seczz\u007f\u007fret\r', 'secret\r')
  const { out, err, code } = await run(['hash-password'], { stdin })
  assert.deepEqual([code, err, raw], [0, 'Password: \nOnce more: \n', [true, false, true, false]])
  assert.equal(await createPasswordHasher().verify(out.trim(), 'secret'), true)
})

test('hash-password at a terminal: two entries in one chunk, and characters split between chunks', async () => {
  const { stdin } = keyboard('ab\rab\r')
  assert.equal((await run(['hash-password'], { stdin })).code, 0)
  const split = new PassThrough()
  const bytes = Buffer.from('ü\rü\r')
  for (const byte of bytes) split.write(Buffer.from([byte]))
  const { out } = await run(['hash-password'], { stdin: Object.assign(split, { isTTY: true }) })
  assert.equal(await createPasswordHasher().verify(out.trim(), 'ü'), true)
})

test('hash-password at a terminal: entries that differ and Ctrl-C give no hash and turn echo on again', async () => {
  const different = keyboard('one\r', 'two\r')
  assert.deepEqual((await run(['hash-password'], different)).code, 2)
  const interrupted = keyboard('one\u0003')
  const { out, code } = await run(['hash-password'], interrupted)
  assert.deepEqual([out, code, interrupted.raw.at(-1)], ['', 2, false])
})

test('serve hands over the configuration root and says why it stopped', async () => {
  const roots: string[] = []
  const serve: Serve = (root) => {
    roots.push(root)
    return root === 'bad' ? Promise.reject(fault('GH_STORE_UNAVAILABLE', { detail: 'disk full' })) : Promise.resolve()
  }
  assert.deepEqual(await run(['serve'], { serve }), { out: '', err: '', code: 0 })
  assert.deepEqual(await run(['serve', '--config', 'bad'], { serve }), {
    out: '',
    err: 'gatehouse: sessions cannot be checked right now (GH_STORE_UNAVAILABLE): disk full\n',
    code: 1,
  })
  assert.deepEqual(roots, ['.', 'bad'])
})

test('version prints what package.json says', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.equal((await run(['version'])).out, `gatehouse ${version}\n`)
  assert.deepEqual(await run(['--version']), { out: `${version}\n`, err: '', code: 0 })
})

test('what is not understood exits with 2 and words on standard error; help exits with 0', async () => {
  for (const args of [['nonsense'], ['check', '--nonsense'], ['check', 'extra'], ['serve', '--config'], []]) {
    const { out, err, code } = await run(args)
    assert.deepEqual([out, code, err === ''], ['', 2, false], args.join(' '))
  }
  for (const args of [['--help'], ['check', '--help'], ['help', 'init']]) {
    const { out, code } = await run(args)
    assert.equal(code, 0, args.join(' '))
    assert.match(out, /^Usage: gatehouse/)
  }
  const { out } = await run(['--help'])
  for (const command of ['serve', 'check', 'init', 'keys', 'sessions', 'authenticators', 'users', 'version'])
    assert.match(out, new RegExp(`^  ${command} `, 'm'))
})

test('a real process ends with these codes and hashes from a real pipe', async (context) => {
  const program = JSON.stringify(new URL('./program.ts', import.meta.url).href)
  const code = `const { runProgram } = await import(${program}); await runProgram(process.argv.slice(2), { serve: async () => {} })`
  const main = join(emptyFolder(context), 'main.mjs')
  writeFileSync(main, code)
  const start = async (args: readonly string[], input = ''): Promise<[number | null, string]> => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.stdin.end(input)
    const out = await text(child.stdout)
    return [await exited, out]
  }
  const [usage, missing, hashed] = await Promise.all([
    start(['nonsense']),
    start(['check', '--config', join(tmpdir(), 'gatehouse-none')]),
    start(['hash-password'], 'secret\n'),
  ])
  assert.equal(usage[0], 2)
  assert.equal(missing[0], 1)
  assert.match(missing[1], /agent-config:1:1: this folder is missing/)
  assert.equal(hashed[0], 0)
  assert.equal(await createPasswordHasher().verify(hashed[1].trim(), 'secret'), true)
})
