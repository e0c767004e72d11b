#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=50 --no-allocation-site-pretenuring
// The published command: says what is missing on an old Node instead of failing with a syntax error.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `gatehouse needs Node 24 or newer; this is Node ${process.versions.node}.\n` +
      'Run it with a private one: npx --yes --package=node@24 -- node scripts/gatehouse.mjs, or see https://nodejs.org/en/download\n',
  )
  process.exit(1)
}
const { existsSync } = await import('node:fs')
// In a clone the sources are what is meant, whatever an earlier build left; what is published has none.
const source = new URL('../src/main.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href)
