import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupsAtLogin, groupsChanged } from './groups-at-login.ts'

const changed = (before: readonly string[], now: readonly string[]): boolean =>
  groupsChanged({ properties: groupsAtLogin(new Set(before)) }, new Set(now))

test('a group more, less or another is a change; their order is none', () => {
  assert.ok(changed(['staff'], ['staff', 'finance']))
  assert.ok(changed(['staff', 'finance'], ['staff']))
  assert.ok(changed(['staff'], ['Staff']))
  assert.ok(changed(['a', 'b'], ['a,b']))
  assert.ok(!changed(['a', 'b'], ['b', 'a']))
  assert.ok(!changed([], []))
})

test('a session that remembers no groups has not lost any', () => {
  assert.ok(!groupsChanged({ properties: {} }, new Set(['staff'])))
})
