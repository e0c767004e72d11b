import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const here = (name: string): string => new URL(name, import.meta.url).href
const { failedTests, failuresIn } = (await import(here('failed-tests.mjs'))) as {
  failedTests: (output: string) => string[]
  failuresIn: (output: string) => { files: string[]; names: string[] } | undefined
}

/** What a run of one step writes, which is a test file with this text. */
function runOf(t: TestContext, text: string, { again = false, status = 1 } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-steps-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'some.test.mjs')
  writeFileSync(file, text)
  const step = {
    name: 'some step',
    command: process.execPath,
    args: ['--test', file],
    minutes: 1,
    ...(again && { again: ['--test'] }),
  }
  const script = `import { runSteps } from ${JSON.stringify(here('steps.mjs'))}; process.exitCode = await runSteps([${JSON.stringify(step)}])`
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8', env })
  assert.equal(run.status, status, run.stdout)
  return run.stdout
}

test('a run ends with the names of the tests that failed, why and where', (t) => {
  const written = runOf(
    t,
    `import assert from 'node:assert/strict'
import { test } from 'node:test'
test('one that holds', () => undefined)
test('one that does not', () => assert.equal(1 + 1, 3))
test('another', () => { throw new Error('broken ' + 'x'.repeat(300)) })
`,
  )
  const end = written.slice(written.indexOf('── failed: some step'))
  assert.match(end, /test at \S+some\.test\.mjs:4:1\n✖ one that does not [^]*2 !== 3[^]*some\.test\.mjs:4:\d+/)
  assert.match(end, /✖ another [^]*Error: broken x+…\n/)
  assert.doesNotMatch(end, /one that holds/)
  assert.match(end, /\n\nFailed: some step\nTook \d+ s\nsteps: 0 passed, 1 failed\n$/)
  assert.ok(end.split('\n').every((line) => line.length <= 200))
})

test('what fails once and passes alone is told and does not fail the run; what fails twice does', (t) => {
  const onceOnly = `import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
const ran = new URL('ran', import.meta.url)
test('steady', () => undefined)
test('by chance', () => {
  if (existsSync(ran)) return
  writeFileSync(ran, '')
  throw new Error('busy')
})
`
  const passed = runOf(t, onceOnly, { again: true, status: 0 })
  assert.match(passed, /BY CHANCE: some step: failed once, passed alone:\ntest at \S+:5:1\n✖ by chance [^]*Error: busy/)
  assert.match(passed, /steps: 1 passed, 0 failed\n$/)
  const failed = runOf(t, `import { test } from 'node:test'\ntest('broken', () => { throw new Error('no') })\n`, {
    again: true,
  })
  assert.match(failed, /FAILED: some step, again and alone/)
  assert.match(failed, /Failed: some step\nTook \d+ s\nsteps: 0 passed, 1 failed\n$/)
  assert.doesNotMatch(failed, /BY CHANCE/)
})

test('where tests are made by what several files use, the file is further up the stack; without a file there is nothing to run', () => {
  const failure = (stack: string): string =>
    `✖ failing tests:\n\ntest at e2e/suite.ts:118:5\n✖ ldap.referral (22.1ms)\n  Error: no\n${stack}`
  const here = '      at calm (file:///w/e2e/oracles.ts:1:2)\n      at referral (file:///w/e2e/ldap.test.ts:179:9)\n'
  assert.deepEqual(failuresIn(failure(here)), { files: ['/w/e2e/ldap.test.ts'], names: ['ldap.referral'] })
  assert.equal(failuresIn(failure('      at calm (file:///w/e2e/oracles.ts:1:2)\n')), undefined)
  assert.equal(failuresIn('not finished after 5 minutes, ended\n'), undefined)
})

test('a second run in which the test that failed is not there is no pass', (t) => {
  const gone = `import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
const ran = new URL('ran', import.meta.url)
if (existsSync(ran)) test('another', () => undefined)
else test('broken', () => { writeFileSync(ran, ''); throw new Error('no') })
`
  assert.match(runOf(t, gone, { again: true }), /steps: 0 passed, 1 failed\n$/)
})

test('of many failures as many are told as fit, each with its name', () => {
  const one = (n: number): string =>
    `test at src/a.test.ts:${n}:1\n✖ test ${n} (1ms)\n  Error: no\n      at a (node:b:1:1)\n      at c (file:///src/a.test.ts:${n}:9)\n`
  const lines = failedTests(
    `✖ test 1 (1ms)\n✖ failing tests:\n\n${Array.from({ length: 40 }, (_, n) => one(n)).join('\n')}`,
  )
  assert.equal(lines.length, 25)
  assert.ok(lines.includes('✖ test 7 (1ms)'))
  assert.equal(lines.at(-1), '… and 32 more')
})

test('what Playwright says of a failure is told, and the last lines of a tool that lists none', () => {
  const about = ['  1) e2e/a.spec.ts:26:3 › a page › fits ', '', '    Error: expect(locator) failed', '    Expected: 4']
  const lines = failedTests(
    ['  ✓  1 e2e/b.spec.ts:1:1 › good (1s)', ...about, '', '  1 failed', '    e2e/a.spec.ts:26:3 › a'].join('\n'),
  )
  assert.deepEqual(lines, [
    '  1) e2e/a.spec.ts:26:3 › a page › fits',
    '    Error: expect(locator) failed',
    '    Expected: 4',
  ])
  assert.deepEqual(failedTests('src/a.ts: error TS1\n\nnot finished after 3 minutes, ended\n'), [
    'src/a.ts: error TS1',
    'not finished after 3 minutes, ended',
  ])
})
