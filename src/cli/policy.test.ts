import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runProgram } from './program.ts'
import type { ExitCode, Terminal } from './terminal.ts'

/** The sample configuration. */
const CONFIG = fileURLToPath(new URL('../..', import.meta.url))
const PAY = 'http://pay.acme.localhost:8080'
const APP = 'http://app.acme.localhost:8080'

/** Where the sample looks for the key that `init` makes. */
const DATA = mkdtempSync(join(tmpdir(), 'gatehouse-policy-'))
writeFileSync(join(DATA, 'master.key'), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
after(() => rmSync(DATA, { recursive: true }))

class Exited extends Error {}

async function run(command: string, ...args: readonly string[]) {
  const said = { out: '', err: '', code: 0 as ExitCode }
  const terminal: Terminal = {
    stdin: Readable.from([]),
    env: { GATEHOUSE_DATA: DATA },
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => void (said.code = code),
    exit: (code) => {
      said.code = code
      throw new Exited()
    },
  }
  try {
    await runProgram(['policy', command, '--config', CONFIG, ...args], { terminal, serve: () => Promise.resolve() })
  } catch (error) {
    if (!(error instanceof Exited)) throw error
  }
  return said
}

const explain = (user: string, url: string, ...more: readonly string[]) =>
  run('explain', '--user', user, '--url', url, ...more)

suite('policy explain', () => {
  test('says who may be signed in at a partner, and wants one question', async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'gatehouse-partners-'))
    context.after(() => rmSync(root, { recursive: true }))
    cpSync(join(CONFIG, 'agent-config'), join(root, 'agent-config'), { recursive: true })
    cpSync(join(CONFIG, 'realms'), join(root, 'realms'), { recursive: true })
    const client = 'secret: a-long-enough-secret, redirectUris: ["https://a.example/cb"]'
    writeFileSync(
      join(root, 'realms/employees/clients.yaml'),
      `clients: [{ id: payroll, ${client} }, { id: wiki, ${client} }]\n`,
    )
    appendFileSync(
      join(root, 'realms/employees/policies.yaml'),
      'partnerPolicies: [{ name: for-finance, partners: [payroll], subject: { type: Group, groups: [finance] } }]\n',
    )
    const ask = (...question: readonly string[]) => run('explain', '--user', 'alice', ...question, '--config', root)
    const { out } = await ask('--partner', 'payroll')
    assert.match(out, /^sign in at payroll\nalice of \/employees[^]*\ndenied: subject-failed \(for-finance\)\n/)
    assert.match(out, / for-finance would allow it, but is about others, by payroll\n/)
    assert.match((await ask('--partner', 'wiki')).out, /\nallowed\nno policy is about this partner/)
    assert.match((await ask('--partner', 'payroll', '--group', 'finance')).out, /\nallowed \(for-finance\)/)
    assert.match((await ask('--partner', 'blog')).err, /no realm has an OpenID client or SAML partner "blog"/)
    assert.match((await ask('--partner', 'wiki', '--url', `${APP}/`)).err, /say --url or --partner/)
    for (const idle of [['--approved'], ['--method', 'POST'], ['--environment', 'device=d-1']])
      assert.match((await ask('--partner', 'wiki', ...idle)).err, /are of a request/, idle[0])
    assert.match((await ask('--url', `${APP}/`, '--realm', '/employees')).err, /--realm is for --partner/)
  })

  test('says who is asked for more, by which condition, and on what value', async () => {
    const { out, code } = await explain('bob', `${PAY}/transfer`)
    assert.equal(code, 0)
    assert.match(out, /^GET http:\/\/pay\.acme\.localhost:8080\/transfer\n/)
    assert.match(
      out,
      /denied until more is proved: AuthLevelConditionAdvice 2 \(payments-for-finance, transfers-soon-after-proof\)/,
    )
    assert.match(out, /AuthLevel fails: 1 is below 2 → AuthLevelConditionAdvice 2/)
    assert.match(out, /AuthAge holds: 0 s old, 300 s at most/)
  })

  test('says what would be with another level, at another time, of another age', async () => {
    const strong = ['--level', '2', '--at', '2026-03-29T02:30:00Z']
    assert.match(
      (await explain('bob', `${PAY}/transfer`, ...strong)).out,
      /\nallowed \(.*\), good until 2026-03-29T02:35:00\.000Z\n/,
    )
    const old = await explain('bob', `${PAY}/transfer`, ...strong, '--age', '6m')
    assert.match(old.out, /AuthenticationAgeConditionAdvice 300/)
  })

  test('says whom a policy is about, of people as they are and as they might be', async () => {
    const alice = await explain('alice', `${PAY}/`)
    assert.match(alice.out, /denied: subject-failed \(payments-for-finance\)/)
    assert.match(alice.out, /Group fails: none of finance is among employees/)
    assert.match((await explain('alice', `${PAY}/`, '--group', 'finance', '--level', '2')).out, /\nallowed/)
  })

  test('says the same to programs', async () => {
    const { out } = await explain('alice', `${APP}/admin/`, '--json')
    const told = JSON.parse(out) as {
      decision: { policies: string[] }
      policies: { policy: string; outcome: string }[]
    }
    assert.deepEqual(told.decision.policies, ['intranet-admin-for-admins'])
    assert.deepEqual(
      told.policies.map(({ policy, outcome }) => [policy, outcome]),
      [
        ['intranet-for-employees', 'allow'],
        ['intranet-admin-for-admins', 'deny'],
      ],
    )
  })

  test('says where no policy is asked', async () => {
    assert.match((await explain('alice', `${APP}/public/x`)).out, /^No policy is asked\. not-enforced/)
    assert.match(
      (await explain('alice', `${APP}/`, '--method', 'TRACE')).out,
      /^No policy is asked\. method-not-allowed/,
    )
  })

  const refused: readonly (readonly [what: string, said: RegExp, args: readonly string[]])[] = [
    ['somebody who is not there', /nobody in \/employees is called "mallory"/, ['mallory', `${APP}/`]],
    ['a site that is not there', /no agent profile has the url http:\/\/x\.test/, ['alice', 'http://x.test/']],
    ['no URL', /is no URL/, ['alice', 'app/x']],
    [
      'a path that the gateway refuses',
      /refuses this address before any policy is asked: dot-segment/,
      ['alice', `${APP}/a/../admin`],
    ],
    ['no address', /"x" is no IP address/, ['alice', `${APP}/`, '--ip', 'x']],
    ['no age', /"old" is no time/, ['alice', `${APP}/`, '--age', 'old']],
  ]
  for (const [what, said, [user = '', url = '', ...more]] of refused) {
    test(`${what}: one line, and exit code 1`, async () => {
      const { err, code } = await explain(user, url, ...more)
      assert.match(err, said)
      assert.equal(code, 1)
    })
  }
})

function written(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-policy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return (name) => join(folder, name)
}

const lines = (...entries: readonly object[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')

suite('policy diff', () => {
  const sample = readFileSync(join(CONFIG, 'realms/employees/policies.yaml'), 'utf8')
  const time = '2026-03-02T12:00:00.000Z'
  const audit = lines(
    {
      log: 'audit',
      time,
      event: 'AuthnSucceeded',
      realm: '/employees',
      username: 'bob',
      sid: 's1',
      authLevel: 2,
      modules: ['password', 'totp'],
    },
    {
      log: 'audit',
      time,
      event: 'AccessDenied',
      realm: '/employees',
      username: 'alice',
      sid: 's2',
      agent: 'app',
      method: 'GET',
      path: '/admin/',
      clientIp: '127.0.0.1',
      authLevel: 1,
      modules: ['password'],
    },
  )
  const access = lines(
    { time, site: 'pay', method: 'GET', path: '/', sid: 's1', clientIp: '127.0.0.1' },
    { time, site: 'pay', method: 'GET', path: '/', sid: 's1', clientIp: '127.0.0.1' },
    { time, site: 'app', method: 'GET', path: '/', sid: 's1', clientIp: '127.0.0.1' },
    { time, site: 'app', method: 'GET', path: '/public/x', sid: 's1', clientIp: '127.0.0.1' },
    { time, site: 'pay', method: 'GET', path: '/', sid: 'nobody-knows', clientIp: '127.0.0.1' },
    { time, site: 'login', method: 'GET', path: '/login/employees' },
  )

  const diff = async (t: TestContext, draft: string, ...more: readonly string[]) => {
    const at = written(t, { 'draft.yaml': draft, 'audit.jsonl': audit, 'access.jsonl': access })
    const logs = ['--log', at('audit.jsonl'), '--log', at('access.jsonl')]
    return run('diff', '--realm', '/employees', '--policies', at('draft.yaml'), ...logs, ...more)
  }

  test('the policies in force change nothing', async (t) => {
    const { out } = await diff(t, sample)
    assert.equal(out, '4 requests compared, 4 lines left out, 0 decisions would be others.\n')
  })

  test('every decision that would be another is listed once, with both', async (t) => {
    const draft = sample
      .replace('authLevel: 2\n\n', 'authLevel: 3\n\n')
      .replace('groups: [admins]', 'groups: [admins, employees]')
    const { out } = await diff(t, draft)
    assert.match(
      out,
      /^bob GET http:\/\/pay\.acme\.localhost:\d+\/ \(2 times\)\n {2}now {3}allowed .*\n {2}draft denied until more is proved: AuthLevelConditionAdvice 3/m,
    )
    assert.match(
      out,
      /^alice GET http:\/\/app\.acme\.localhost:\d+\/admin\/\n {2}now {3}denied: denied-by-policy .*\n {2}draft allowed/m,
    )
    assert.match(out, /2 decisions would be others\.\n$/)
  })

  test('says the same to programs', async (t) => {
    const { out } = await diff(t, 'policies: []\n', '--json')
    const told = JSON.parse(out) as { compared: number; changes: { user: string; after: string }[] }
    assert.equal(told.compared, 4)
    assert.deepEqual(
      told.changes.map(({ user, after }) => [user, after]),
      [
        ['alice', 'denied: no-policy-matched'],
        ['bob', 'denied: no-policy-matched'],
        ['bob', 'denied: no-policy-matched'],
      ],
    )
  })

  test('a draft that is none is told with its places', async (t) => {
    const { err, code } = await diff(t, 'policies:\n  - name: x\n')
    assert.match(err, /draft\.yaml:2:5: /)
    assert.equal(code, 1)
  })

  test('a list of requests will do as a log', async (t) => {
    const at = written(t, {
      'draft.yaml': 'policies: []\n',
      'list.jsonl': lines({ user: 'alice', url: `${APP}/?a=b` }),
    })
    const { out } = await run(
      'diff',
      '--realm',
      '/employees',
      '--policies',
      at('draft.yaml'),
      '--log',
      at('list.jsonl'),
    )
    assert.match(out, /^alice GET http:\/\/app\.acme\.localhost:8080\/\?a=b\n/)
  })
})
