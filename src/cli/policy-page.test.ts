import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { createPolicyCommand } from './policy.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs/policies.md'), 'utf8')
const DATA = mkdtempSync(join(tmpdir(), 'gatehouse-page-'))
writeFileSync(join(DATA, 'master.key'), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
after(() => rmSync(DATA, { recursive: true }))

function blocks(kind: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
}

suite('docs/policies.md', () => {
  for (const text of blocks('yaml')) {
    test(`${text.slice(0, 30).replaceAll(/\s+/g, ' ')}… is a file of policies`, () => {
      assert.ok(policiesFileSchema.parse(parse(text)).policies.length > 0)
    })
  }

  for (const text of blocks('console')) {
    const [command = '', ...answer] = text.split('\n')
    test(`${command} answers what the page says`, async () => {
      let out = ''
      const ignore = (): void => undefined
      const terminal = {
        env: { GATEHOUSE_DATA: DATA },
        out: (words: string) => void (out += words),
        err: ignore,
        setExitCode: ignore,
      }
      const args = command.replace(/^\$ gatehouse policy /, '').split(' ')
      await createPolicyCommand({ terminal }).parseAsync([...args, '--config', ROOT], { from: 'user' })
      assert.equal(out, answer.join('\n'))
    })
  }

  test('has examples of both', () => assert.ok(blocks('yaml').length > 1 && blocks('console').length > 1))
})
