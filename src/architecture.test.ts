import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('.', import.meta.url))

/** Who may import whom: a folder imports itself and folders of a lower rank only. */
const RANKS: Readonly<Record<string, number>> = {
  base: 1,
  'errors.ts': 1,
  telemetry: 2,
  crypto: 2,
  http: 3,
  store: 4,
  session: 5,
  identity: 6,
  policy: 6,
  federation: 7,
  authn: 8,
  gateway: 9,
  portal: 9,
  api: 9,
  config: 10,
  cli: 11,
  workers: 11,
  wiring: 11,
  'runtime.ts': 11,
  'app.ts': 11,
  'main.ts': 11,
}

/** Planes that the data plane must be able to run without. */
const NOT_IN_GATEWAY = ['authn', 'federation', 'identity', 'portal', 'api', 'config']

const BANNED_NAMES = /^(index|utils?|helpers?|common|misc|shared|types)\./
const MAX_LINES = 400
/** Schemas and message catalogues are tables: as long as what they list. */
const TABLES = /\.schema\.ts$|\/messages\/|\.test\.ts$|\.contract\.ts$/

const files = globSync('**/*.ts', { cwd: SRC }).sort()
const sources = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]))
const product = files.filter((file) => !/\.(test|contract|fixture)\.ts$/.test(file))

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)/g

function importsOf(file: string): string[] {
  const found = [...(sources.get(file) ?? '').matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')
  return found.map((target) => normalize(join(dirname(file), target)))
}

function folderOf(file: string): string {
  return file.split('/')[0] ?? file
}

/** Configuration schemas live with their owners, and only `config` collects them. */
function allowed(from: string, to: string): boolean {
  const [own, other] = [folderOf(from), folderOf(to)]
  if (own === other) return true
  const ownRank = RANKS[own]
  const otherRank = RANKS[other]
  if (ownRank === undefined || otherRank === undefined) return false
  if (ownRank === 11 && otherRank === 11) return true
  if (own === 'config' && otherRank > 4) return to.endsWith('.schema.ts')
  if (own === 'gateway' && NOT_IN_GATEWAY.includes(other)) return false
  return otherRank < ownRank
}

test('every folder has a rank', () => {
  const unknown = [...new Set(product.map(folderOf))].filter(
    (folder) => !(folder in RANKS) && !folder.endsWith('.test.ts'),
  )
  assert.deepEqual(unknown, [])
})

test('a folder imports itself and lower ranks only, types included', () => {
  const bad = product.flatMap((file) =>
    importsOf(file)
      .filter((target) => !allowed(file, target))
      .map((target) => `${file} -> ${target}`),
  )
  assert.deepEqual(bad, [])
})

test('imports name files that exist', () => {
  const missing = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => !sources.has(target))
      .map((target) => `${file} -> ${target}`),
  )
  assert.deepEqual(missing, [])
})

test('no import cycles, type-only ones included', () => {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const at = path.indexOf(file)
    assert.equal(at, -1, [...path.slice(at), file].join(' -> '))
    if (done.has(file)) return
    path.push(file)
    importsOf(file).forEach(visit)
    path.pop()
    done.add(file)
  }
  product.forEach(visit)
})

test('files are named for one thing and stay small', () => {
  const named = product.filter((file) => BANNED_NAMES.test(file.split('/').at(-1) ?? ''))
  const long = product.filter((file) => !TABLES.test(file) && (sources.get(file) ?? '').split('\n').length > MAX_LINES)
  assert.deepEqual({ named, long }, { named: [], long: [] })
})

test('every folder says in a README what it owns', () => {
  const folders = [...new Set(product.filter((file) => file.includes('/')).map(folderOf))]
  const readmes = globSync('*/README.md', { cwd: SRC }).map(folderOf)
  assert.deepEqual(
    folders.filter((folder) => !readmes.includes(folder)),
    [],
  )
  for (const folder of readmes) {
    const lines = readFileSync(join(SRC, folder, 'README.md'), 'utf8').split('\n').length
    assert.ok(lines <= 31, `${folder}/README.md has ${lines} lines, 30 at most`)
  }
})

test('only main.ts, the parent of workers, the command line and the log touch the process', () => {
  const bad = product.filter(
    (file) =>
      /\bprocess\.(env|argv|exit|on)\b/.test(sources.get(file) ?? '') &&
      !/^(main\.ts|workers\/primary\.ts|cli\/|config\/)/.test(file),
  )
  assert.deepEqual(bad, [])
})

/** Loading these takes from 10 to 120 ms of processor time, and most configurations use none of them. */
const ON_DEMAND = [
  'nodemailer',
  'pkijs',
  'asn1js',
  '@simplewebauthn/server',
  'ldapts',
  'ioredis',
  'tldts',
  'otpauth',
  'jose',
  'saxes',
  'oidc-provider',
  'xml-crypto',
  '@xmldom/xmldom',
]
const STATIC_VALUE = /(?:^|\n)(?:import|export)\s+(?!type\b)([^'"]*?)from\s*['"]([^'"]+)['"]/g

function staticValues(file: string): string[] {
  const found = [...(sources.get(file) ?? '').matchAll(STATIC_VALUE)]
  return found
    .filter(([, names = '']) => !/^\{(\s*type\s[^,}]+,?)*\s*\}\s*$/.test(names))
    .map((match) => match[2] ?? '')
}

test('a start loads what its configuration uses: the rest only by import() and the like', () => {
  const loaded = new Map<string, readonly string[]>(['main.ts', 'app.ts', 'cli/serve.ts'].map((file) => [file, [file]]))
  const bad: string[] = []
  for (const [file, path] of loaded) {
    for (const target of staticValues(file)) {
      const next = normalize(join(dirname(file), target))
      if (target.startsWith('.') && !loaded.has(next)) loaded.set(next, [...path, next])
      const isBad = ON_DEMAND.some((name) => target === name || target.startsWith(`${name}/`))
      if (isBad) bad.push([...path, target].join(' -> '))
    }
  }
  assert.ok(loaded.has('gateway/handle.ts') && loaded.has('authn/authn.ts'), 'the graph was followed')
  assert.deepEqual(bad, [])
})

test('values of node:http come past its ES module, which loads all of fetch', () => {
  const bad = product.filter((file) => staticValues(file).includes('node:http'))
  assert.deepEqual(bad, [])
})
