import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { NODE_FLAGS } from './node-flags.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the published command and the image start Node as the samples and the bench do', () => {
  assert.match(read('gatehouse.mjs'), new RegExp(`^#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}\n`))
  const words = ['node', ...NODE_FLAGS, 'scripts/gatehouse.mjs']
  assert.ok(read('../Dockerfile').includes(`ENTRYPOINT [${words.map((word) => `"${word}"`).join(', ')}]`))
})
