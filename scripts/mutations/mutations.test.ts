import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Mutation {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly tests: readonly string[]
}

const mutations = parse(readFileSync(new URL('mutations.yaml', import.meta.url), 'utf8')) as readonly Mutation[]

test('every mutation names exactly one place of the code as it is, and tests that exist', () => {
  const stale = mutations
    .filter(({ file, find }) => readFileSync(`${root}${file}`, 'utf8').split(find).length !== 2)
    .map(({ name }) => name)
  const untested = mutations
    .filter(({ tests }) => tests.some((pattern) => globSync(pattern, { cwd: root }).length === 0))
    .map(({ name }) => name)
  assert.deepEqual({ stale, untested }, { stale: [], untested: [] })
  assert.ok(mutations.length >= 25)
})
