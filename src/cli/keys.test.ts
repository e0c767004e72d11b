import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { openKeyRing } from '../crypto/key-ring.ts'
import { MADE_AT_ONCE } from '../crypto/purposes.ts'
import { runProgram } from './program.ts'
import type { ExitCode, Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

interface Listed {
  readonly keys: readonly {
    readonly kid: string
    readonly purpose: string
    readonly state: string
    readonly notBefore: string
    readonly until: string | null
  }[]
}

/** A configuration with a store; `gatehouse` runs a command line on it in this process. */
async function createBench(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const said = { out: '', err: '', code: 0 as ExitCode }
  const terminal: Terminal = {
    stdin: Readable.from([]),
    env: {},
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => (said.code = code),
    exit: (code) => {
      throw new Error(`exit ${code}`)
    },
  }
  const gatehouse = async (...args: string[]): Promise<typeof said> => {
    Object.assign(said, { out: '', err: '', code: 0 })
    const command = [...args, '--config', root]
    await runProgram(command, { terminal, serve: () => Promise.resolve() })
    return said
  }
  const listed = async (...args: string[]): Promise<Listed['keys']> => {
    const { out, err, code } = await gatehouse(...args, '--json')
    assert.deepEqual([err, code], ['', 0])
    return (JSON.parse(out) as Listed).keys
  }
  await gatehouse('init')
  /** As a process that serves does. */
  const makeKeys = (): Promise<void> =>
    withStore(root, terminal, async ({ snapshot, store, log }) => {
      const { masterKey } = snapshot.gatehouse.secrets
      const ring = await openKeyRing({ documents: store.documents, masterKey, clock: systemClock, log })
      ring.close()
    })
  return { root, gatehouse, listed, makeKeys }
}

test('keys list shows what is there and makes nothing', async (t) => {
  const { gatehouse, listed, makeKeys } = await createBench(t)
  assert.deepEqual(await listed('keys', 'list'), [])
  assert.deepEqual(await listed('keys', 'list'), [])
  await makeKeys()
  const keys = await listed('keys', 'list')
  assert.deepEqual(
    keys.map(({ purpose, state, until }) => [purpose, state, until]),
    MADE_AT_ONCE.map((purpose) => [purpose, 'active', null]),
  )
  const { out } = await gatehouse('keys', 'list')
  assert.match(
    out,
    /^purpose +kid +state +signs from +needed until\nassertion +[\w-]{16} +active +\d{4}-[\d:.TZ-]+ +-\n/,
  )
})

test('keys rotate publishes a successor that signs an hour later, and a second time names the same', async (t) => {
  const { listed, makeKeys } = await createBench(t)
  await makeKeys()
  const [successor, ...more] = await listed('keys', 'rotate', 'assertion')
  assert.ok(successor)
  assert.deepEqual([successor.purpose, successor.state, more.length], ['assertion', 'upcoming', 0])
  const lead = Date.parse(successor.notBefore) - Date.now()
  assert.ok(lead > 3_500_000 && lead <= 3_600_000, `${lead} ms`)
  assert.deepEqual(await listed('keys', 'rotate', 'assertion'), [successor])
  const [old] = await listed('keys', 'list')
  assert.ok(old)
  assert.equal(old.state, 'active')
  assert.ok(Date.parse(old.until ?? '') > Date.parse(successor.notBefore))
})

test('keys rotate without a purpose replaces every key', async (t) => {
  const { listed, makeKeys } = await createBench(t)
  await makeKeys()
  const successors = await listed('keys', 'rotate')
  assert.deepEqual(
    successors.map(({ purpose, state }) => [purpose, state]),
    MADE_AT_ONCE.map((purpose) => [purpose, 'upcoming']),
  )
})

test('an unknown purpose is refused with those there are', async (t) => {
  const { gatehouse } = await createBench(t)
  await assert.rejects(gatehouse('keys', 'rotate', 'hologram'), /exit 2/)
})

test('a configuration or a master key that does not fit is told, with exit code 1', async (t) => {
  const { root, gatehouse, makeKeys } = await createBench(t)
  await makeKeys()
  writeFileSync(
    join(root, '.gatehouse/master.key'),
    `${Buffer.alloc(32, 'another-master-key-of-32-bytes!!').toString('base64url')}\n`,
  )
  const wrong = await gatehouse('keys', 'list')
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /^gatehouse: .*GH_CONFIG_INVALID.*does not open the key/)
  writeFileSync(join(root, 'agent-config/gatehouse.yaml'), 'listeners: 7\n')
  const broken = await gatehouse('keys', 'list')
  assert.equal(broken.code, 1)
  assert.match(broken.err, /^agent-config\/gatehouse\.yaml:1:\d+: .*\n/)
})

test('the keys of a realm that SAML partners know are a ring of their own', async (t) => {
  const { gatehouse, listed } = await createBench(t)
  const root = ['--realm', '/']
  assert.deepEqual(await listed('keys', 'list', ...root), [])
  const [made, ...more] = await listed('keys', 'rotate', 'saml-signing', ...root)
  assert.deepEqual([made?.purpose, made?.state, more.length], ['saml-signing', 'active', 0], 'the first signs at once')
  const [next] = await listed('keys', 'rotate', ...root)
  assert.deepEqual([next?.purpose, next?.state], ['saml-signing', 'upcoming'])
  assert.deepEqual(await listed('keys', 'list'), [])
  for (const args of [['saml-signing'], ['assertion', ...root], ['--realm', '/nowhere']])
    assert.equal((await gatehouse('keys', 'rotate', ...args)).code, 1, args.join(' '))
})
