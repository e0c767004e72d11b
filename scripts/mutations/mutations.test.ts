import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { mutated, readMutations, root, sliceOf } from './list.ts'

const mutations = readMutations()

test('every mutation names exactly one place of the code as it is, and tests that exist', () => {
  const stale = mutations
    .filter((mutation) => mutated(readFileSync(root + mutation.file, 'utf8'), mutation) === undefined)
    .map(({ name }) => name)
  const untested = mutations
    .filter(({ tests }) => tests.some((pattern) => globSync(pattern, { cwd: root }).length === 0))
    .map(({ name }) => name)
  assert.deepEqual({ stale, untested }, { stale: [], untested: [] })
})

test('every mutation is a program still, so that it is not the parser that notices', () => {
  const unreadable = mutations.filter((mutation) => {
    try {
      stripTypeScriptTypes(mutated(readFileSync(root + mutation.file, 'utf8'), mutation) ?? '')
      return false
    } catch {
      // What Node cannot read it tells by throwing.
      return true
    }
  })
  assert.deepEqual(
    unreadable.map(({ name }) => name),
    [],
  )
})

test('there are enough mutations, each with a name of its own and a change', () => {
  assert.ok(mutations.length >= 70, `only ${mutations.length}`)
  assert.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length)
  for (const { name, find, replace } of mutations) assert.notEqual(find, replace, name)
})

test('a slice is so many fast mutations, different ones, from the whole list', () => {
  const slice = sliceOf(mutations, 8)
  assert.equal(new Set(slice).size, 8)
  assert.ok(slice.every(({ fast }) => fast))
  assert.ok(new Set(slice.map(({ file }) => file)).size >= 6)
  assert.equal(sliceOf(mutations, 10_000).length, mutations.filter(({ fast }) => fast).length)
})
