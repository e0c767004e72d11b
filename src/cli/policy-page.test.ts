import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** The sample, and the partners that the page speaks of with its policies. */
const CONFIG = join(DATA, 'config')
for (const folder of ['agent-config', 'realms']) cpSync(join(ROOT, folder), join(CONFIG, folder), { recursive: true })
const clients = ['payroll', 'crm'].map(
  (id) => `{ id: ${id}, secret: a-long-enough-secret, redirectUris: ["https://${id}.example.com/cb"] }`,
)
writeFileSync(join(CONFIG, 'realms/employees/clients.yaml'), `clients: [${clients.join(', ')}]\n`)
const partners = blocks('yaml').find((text) => text.startsWith('partnerPolicies:')) ?? ''
appendFileSync(join(CONFIG, 'realms/employees/policies.yaml'), partners)

function blocks(kind: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
}

suite('docs/policies.md', () => {
  for (const text of blocks('yaml')) {
    test(`${text.slice(0, 30).replaceAll(/\s+/g, ' ')}… is a file of policies`, () => {
      const { policies, partnerPolicies } = policiesFileSchema.parse(parse(text))
      assert.ok(policies.length + partnerPolicies.length > 0)
    })
  }

  for (const text of blocks('console')) {
    const [command = '', ...answer] = text.split('\n')
    test(`${command} answers what the page says`, async () => {
      let [out, err] = ['', '']
      const ignore = (): void => undefined
      const terminal = {
        env: { GATEHOUSE_DATA: DATA },
        out: (words: string) => void (out += words),
        err: (words: string) => void (err += words),
        setExitCode: ignore,
      }
      const args = command.replace(/^\$ gatehouse policy /, '').split(' ')
      await createPolicyCommand({ terminal }).parseAsync([...args, '--config', CONFIG], { from: 'user' })
      assert.equal(out === '' ? err : out, answer.join('\n'))
    })
  }

  test('has examples of both', () => assert.ok(blocks('yaml').length > 1 && blocks('console').length > 1))
})
