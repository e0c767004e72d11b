import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { policyDocument } from '../api/openam/policies/documents.ts'
import type { RealmName } from '../base/brand.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { createPolicyCommand } from './policy.ts'
import type { ExitCode } from './terminal.ts'

/** The sample configuration. */
const CONFIG = fileURLToPath(new URL('../..', import.meta.url))
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-import-'))
writeFileSync(join(FOLDER, 'master.key'), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
after(() => rmSync(FOLDER, { recursive: true }))

async function run(...args: readonly string[]) {
  const said = { out: '', err: '', code: 0 as ExitCode }
  const terminal = {
    env: { GATEHOUSE_DATA: FOLDER },
    out: (words: string) => void (said.out += words),
    err: (words: string) => void (said.err += words),
    setExitCode: (code: ExitCode) => void (said.code = code),
  }
  await createPolicyCommand({ terminal }).parseAsync(['import', ...args, '--config', CONFIG], { from: 'user' })
  return said
}

function file(name: string, content: unknown): string {
  const path = join(FOLDER, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const URL_TYPE = '76656a38-5f8e-401b-83aa-4ccb74ce88d2'
const OWN_TYPE = '11111111-5f8e-401b-83aa-4ccb74ce88d2'
const DN = 'o=staff,ou=services,dc=openam,dc=forgerock,dc=org'

function policy(name: string, changes: object = {}) {
  return {
    ...{ _id: name, _rev: '1', name, active: true, description: '', applicationName: 'iPlanetAMWebAgentService' },
    actionValues: { GET: true, POST: false },
    resources: ['http://www.example.com:80/*', 'http://www.example.com:80/*?*'],
    subject: { type: 'AuthenticatedUsers' },
    resourceTypeUuid: URL_TYPE,
    ...{ createdBy: 'id=amadmin,ou=user,dc=openam', creationDate: '2020-01-01T00:00:00Z' },
    ...changes,
  }
}

const POLICIES = [
  policy('staff', {
    description: 'All of\n# staff ${env:HOME}',
    subject: { type: 'Identity', subjectValues: [`id=fin,ou=group,${DN}`] },
    condition: { type: 'Session', maxSessionTime: 120, terminateSession: false },
    resourceAttributes: [{ type: 'Static', propertyName: 'd', propertyValues: ['x'] }],
  }),
  policy('typed', { applicationName: 'own', resourceTypeUuid: OWN_TYPE, actionValues: { READ: true } }),
]
const TYPE = {
  uuid: OWN_TYPE,
  name: 'documents',
  patterns: ['*://*:*/*', '*://*:*/*?*'],
  actions: { READ: true, HEAD: true },
}
const SET = { name: 'own', description: 'Ours', entitlementCombiner: 'DenyOverride', resourceTypeUuids: [OWN_TYPE] }

suite('policy import', () => {
  test('answers of the REST become a file that says the same', async () => {
    const out = join(FOLDER, 'policies.yaml')
    const lists = [POLICIES, [SET], [TYPE]].map((result, at) =>
      file(`list${at}.json`, { result, resultCount: result.length }),
    )
    const { err, code } = await run(...lists, '--out', out)
    assert.equal(err.trim().split('\n').at(-1), '2 policies read, 2 written, 0 things lost.')
    assert.equal(code, 0)
    const text = readFileSync(out, 'utf8')
    assert.match(text, /# staff \$\$\{env:HOME\}/, 'it names no secret of ours')
    const written = policiesFileSchema.parse(parse(text.replaceAll('$${', '${')))
    assert.deepEqual(written.policySets.at(-1), {
      ...{ name: 'own', description: 'Ours', matching: 'classic', resourceTypes: ['documents'] },
    })
    assert.deepEqual(written.resourceTypes, [{ name: 'documents', patterns: TYPE.patterns, actions: ['READ'] }])
    for (const [at, theirs] of POLICIES.entries()) {
      const read = written.policies[at]
      assert.ok(read)
      const { createdBy: _by, creationDate: _date, _rev, ...said } = theirs
      const ours = policyDocument('/staff' as RealmName, read)
      const named = JSON.parse(
        JSON.stringify(said).replace(DN, 'o=staff,ou=services,ou=am-config').replace(OWN_TYPE, 'documents'),
      ) as object
      assert.deepEqual(ours, { resourceAttributes: [], ...named })
    }
    assert.match((await run(...lists, '--out', out)).err, /is there already, and nothing was written/)
    assert.equal(readFileSync(out, 'utf8'), text)
    assert.equal((await run(lists[0] ?? '', '--out', out, '--force')).code, 0)
    assert.notEqual(readFileSync(out, 'utf8'), text)
  })

  test("a file of frodo's, with what is lost", async () => {
    const export_ = {
      meta: { origin: 'https://am.example.com' },
      script: { s: { _id: 's', name: 'Risk' } },
      resourcetype: { [OWN_TYPE]: TYPE },
      policyset: { own: { ...SET, entitlementCombiner: 'AllowOverride' } },
      policy: Object.fromEntries(
        [...POLICIES, policy('scripted', { condition: { type: 'Script', scriptId: 's' } })].map((each) => [
          each.name,
          each,
        ]),
      ),
    }
    const { out, err, code } = await run(file('frodo.json', export_))
    assert.equal(code, 3)
    const { policies } = policiesFileSchema.parse(parse(out))
    assert.deepEqual(
      policies.map(({ name, active }) => [name, active]),
      [
        ...[
          ['staff', true],
          ['typed', false],
          ['scripted (denies)', true],
          ['scripted (holds back)', true],
        ],
      ],
    )
    assert.match(err, /LOST .*script "Risk"/)
    assert.match(err, /LOST policy set "own": .*"AllowOverride"/)
    assert.match(err, /LOST policy "scripted": .*condition: scripts are not run here/)
    assert.match(out, /\n\n {2}# condition: scripts are not run here; [^\n]*\n {2}- name: scripted \(denies\)/)
  })

  test('of sets that compare or combine in other ways nothing is in force', async () => {
    for (const change of [
      { entitlementCombiner: 'AllowOverride' },
      { resourceComparator: 'com.sun.identity.entitlement.ExactMatchResourceName' },
      { applicationType: 'sunAMDelegationService' },
    ]) {
      const { out, err, code } = await run(file('foreign.json', [...POLICIES, TYPE, { ...SET, ...change }]))
      const active = policiesFileSchema.parse(parse(out)).policies.map((each) => each.active)
      assert.deepEqual([active, code], [[true, false], 3])
      assert.match(err, /LOST policy set "own": it/)
    }
    const twice = [{ ...SET, entitlementCombiner: 'AllowOverride' }, SET]
    assert.match((await run(file('twice.json', [...POLICIES, TYPE, ...twice]))).err, /LOST policy set "own": its/)
    const { err } = await run(file('levels.json', policy('x', { condition: { type: 'AuthLevel', authLevel: 1 } })))
    assert.match(err, /note policy set "iPlanetAMWebAgentService": it was not exported/)
    assert.match(err, /note all policies: levels are numbers/)
  })

  test('modules and chains are those of the realm, or what they are called there', async () => {
    const named = file('named.json', policy('n', { condition: { type: 'AuthScheme', authScheme: ['HOTP'] } }))
    assert.match((await run(named, '--realm', '/employees')).err, /there is no module "HOTP" here/)
    const { out, code } = await run(named, '--realm', '/employees', '--module', 'HOTP=totp')
    assert.equal(code, 0)
    assert.match(out, /authScheme: \[ totp \]/)
    assert.match((await run(named, '--realm', '/nothing')).err, /no realm "\/nothing"/)
  })

  test('nothing is written where nobody can say what is in force', async () => {
    const out = join(FOLDER, 'never.yaml')
    for (const [content, words] of [
      [[policy('x'), policy('x', { active: false })], /two policies are called "x" and differ/],
      [[policy('x (denies)'), policy('x', { subject: { type: '?' } })], /would be called "x \(denies\)"/],
      [[{ ...policy('x'), name: '', _id: '' }], /cannot be read/],
      [policy('x', { active: 'true', actionValues: { GET: false } }), /active is neither true nor false/],
      [
        policy('x', { subject: { type: 'Identity', subjectValues: [`id=a,ou=user,${DN}`, 'id=b,ou=user,dc=openam'] } }),
        /several realms \(\/staff, \/\); say --openam-realm/,
      ],
      [{ result: [policy('x')], remainingPagedResults: 7 }, /is one page of several/],
      [{ policy: { x: policy('x') }, policies: [policy('y')] }, /has policies in the part \"policies\"/],
      [[policy('x'), { ...policy('y'), actionValues: undefined }], /names no actions/],
      [policy('x', { resources: 'http://www.example.com:80/*' }), /resources is no list/],
      [policy('x'.repeat(129)), /would not be valid: policies\.0\.name/],
      ['{', /is no JSON/],
      [{}, /there is no policy/],
    ] as const) {
      const { err, code } = await run(file('bad.json', content), '--out', out)
      assert.match(err, words)
      assert.equal(code, 1)
    }
    assert.throws(() => readFileSync(out))
    assert.match((await run('/nowhere.json')).err, /cannot be read/)
    assert.match((await run()).err, /name the files to import/)
  })

  test('what others wrote is one line of the report, and of the file', async () => {
    const evil = policy('x', { actionValues: { 'GET\nLOST all': true }, condition: { type: 'A\nevil: 1' } })
    const { out, err } = await run(
      file('evil.json', { result: [evil, policy('\u2028y\u001b[2J', { actionValues: { 'A\u001b[2J\u2028B': 1 } })] }),
    )
    assert.ok(
      err
        .trim()
        .split('\n')
        .every((line) => /^(LOST|note|\d+ policies)/.test(line)),
      err,
    )
    assert.doesNotMatch(out, /^evil|\u001b/m)
  })
})

suite('policy import --replay', () => {
  const recorded = [
    {
      resource: 'http://www.example.com/a',
      action: 'GET',
      subject: { username: 'bob', groups: ['fin'] },
      decision: true,
    },
    { resource: 'http://www.example.com/a', action: 'get', subject: { username: 'eve' }, decision: 'allow' },
    {
      resource: 'http://www.example.com/a',
      action: 'DELETE',
      subject: { username: 'bob', groups: ['fin'] },
      decision: false,
    },
    { resource: 'http://www.example.com/a', action: 'GET', subject: { ssoToken: 'AQIC' }, decision: true },
    {
      request: { resources: ['http://www.example.com/a'], subject: { ssoToken: 'AQIC' } },
      subject: { username: 'bob', groups: ['fin'] },
      response: [
        { resource: 'http://www.example.com/a', actions: { GET: true }, advices: { AuthLevelConditionAdvice: ['2'] } },
      ],
    },
  ]
  const log = () => file('log.jsonl', `${recorded.map((each) => JSON.stringify(each)).join('\n')}\nno JSON\n`)
  const lines = (text: string) => text.trim().split('\n')

  test('prints what is decided otherwise than in OpenAM', async () => {
    const out = join(FOLDER, 'replayed.yaml')
    const said = await run(file('list.json', { result: POLICIES }), '--out', out, '--replay', log())
    assert.equal(said.code, 3)
    assert.deepEqual(lines(said.out), [
      'eve GET http://www.example.com/a',
      '  OpenAM allowed',
      '  here   not allowed',
      'bob advices http://www.example.com/a',
      '  OpenAM AuthLevelConditionAdvice',
      '  here   none',
      '4 decisions compared, 2 left out, 2 differ.',
    ])
  })

  test('asks the policies in force where none are imported', async () => {
    const pay = { resource: 'http://pay.acme.localhost:8080/', action: 'GET' }
    const list = file('force.json', [
      { ...pay, subject: { username: 'bob', level: 2 }, decision: true },
      { ...pay, subject: { username: 'alice', level: 2 }, decision: false },
      { ...pay, subject: { username: 'nobody' }, decision: true },
    ])
    const { out, code } = await run('--realm', '/employees', '--replay', list)
    assert.deepEqual([lines(out), code], [['2 decisions compared, 1 left out, 0 differ.'], 0])
    const nothing = await run('--realm', '/employees', '--replay', file('nothing.json', '{"decision":true}'))
    assert.deepEqual(
      [lines(nothing.out), nothing.code],
      [['0 decisions compared, 1 left out, 0 differ.'], 3],
      'what says nothing is no success',
    )
  })
})
