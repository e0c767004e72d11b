import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { agentProfileSchema } from '../gateway/agent-profile.schema.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { usersFileSchema } from '../identity/users.schema.ts'
import { gatehouseSchema } from './gatehouse.schema.ts'
import { formatProblem } from './problems.ts'
import { parseWith } from './schema-problems.ts'
import { parseSource, readSource } from './source-document.ts'

const env = { PORT: '8443', WORD: 'hunter2', YES: 'true', LEVEL: '2' }

function outcome<S extends z.ZodType>(schema: S, text: string) {
  const source = readSource(parseSource('f.yaml', Buffer.from(text)), {
    env,
    file: () => ({ kind: 'failed', why: 'does not exist' }),
  })
  return { source, result: parseWith(schema, source) }
}

function problems(schema: z.ZodType, text: string): string[] {
  const { result } = outcome(schema, text)
  return result.kind === 'refused' ? result.problems.map(formatProblem) : []
}

const AGENT = 'url: http://a.test\nrealm: /x\nupstream: { servers: [http://127.0.0.1:1] }\n'

test('unknown-key: each misspelt key is refused at its own place, with what was probably meant', () => {
  assert.deepEqual(problems(agentProfileSchema, `${AGENT}polcySet: x\nidentity:\n  header:\n    X-A: sid\n`), [
    'f.yaml:6:3: unknown key "header" in identity; did you mean "headers"?',
    'f.yaml:4:1: unknown key "polcySet"; did you mean "policySet"?',
  ])
})

test('a missing key is reported at the mapping that lacks it, with what it is for', () => {
  assert.deepEqual(problems(agentProfileSchema, 'url: http://a.test\nupstream:\n  hostHeader: site\n'), [
    'f.yaml:1:1: realm: this is required; write a text (The realm whose sessions open the site)',
    'f.yaml:2:1: upstream.servers: this is required; write a list (Servers that run the application: `http://host:port`, `https://host:port` or `unix:/path`. Requests go to the healthy ones in turn)',
  ])
})

test('yaml-null-rule: an entry that is not written out is refused, never taken for "allow"', () => {
  assert.deepEqual(problems(policiesFileSchema, 'policies:\n  - '), [
    'f.yaml:2:5: policies[0]: expected a mapping of keys, found nothing',
  ])
  assert.deepEqual(problems(policiesFileSchema, 'policies:'), ['f.yaml:1:1: policies: expected a list, found nothing'])
})

test('wrong kinds of values are named in plain words', () => {
  const text = `${AGENT}title: 5\nssoOnly: no\naliases: http://b.test\nidentity: { headerBudget: "9000" }\n`
  assert.deepEqual(problems(agentProfileSchema, text), [
    'f.yaml:4:8: title: expected a text; put it in quotes',
    'f.yaml:6:10: aliases: expected a list, found a text',
    'f.yaml:5:10: ssoOnly: expected true or false, found a text',
    'f.yaml:7:27: identity.headerBudget: expected a number, found a text',
  ])
})

test('choices list what there is, and suggest', () => {
  assert.deepEqual(problems(agentProfileSchema, `${AGENT}responses:\n  caching: upstraem\n`), [
    'f.yaml:5:12: responses.caching: write one of protect, upstream; did you mean upstream?',
  ])
})

test('recursive policy schemas: problems deep inside have their place, and the type chooses the known keys', () => {
  const text = [
    'policies:',
    '  - name: p',
    '    resources: ["*://a.test:*/*"]',
    '    actions: { get2: allow }',
    '    subject:',
    '      type: AND',
    '      subjects:',
    '        - type: Grop',
    '        - type: NOT',
    '          subject: { type: Group, grops: [x] }',
  ].join('\n')
  assert.deepEqual(problems(policiesFileSchema, text), [
    'f.yaml:4:16: policies[0].actions.get2: write the name in letters: GET',
    'f.yaml:8:17: policies[0].subject.subjects[0].type: write one of AuthenticatedUsers, AnonymousUsers, NONE, User, Group, Attribute, JwtClaim, AND, OR, NOT; did you mean Group?',
    'f.yaml:10:11: policies[0].subject.subjects[1].subject.groups: this is required; write a list',
    'f.yaml:10:35: unknown key "grops" in policies[0].subject.subjects[1].subject; did you mean "groups"?',
  ])
})

test('sizes and own messages of schemas come through', () => {
  const text = 'url: http://a.test/path\nrealm: Staff\nupstream: { servers: [] , connections: 0 }\n'
  assert.deepEqual(problems(agentProfileSchema, text), [
    'f.yaml:1:6: url: write scheme, host and port only, such as https://app.example.com',
    'f.yaml:2:8: realm: write the realm as a path in lower case: / or /employees/contractors',
    'f.yaml:3:22: upstream.servers: write at least 1 entry',
    'f.yaml:3:40: upstream.connections: the number must be at least 1',
  ])
})

test('numbers and switches may come through references; what does not fit is refused without being shown', () => {
  const listeners = (port: string) =>
    `listeners: [{ port: ${port} }]\nlogin: { url: http://l.test }\nsecrets: { masterKey: q2Zt5nVJ0cKx8BwLrD1eYhTgUo7fMiSa4PzN3EvXk9Q }\ntelemetry: { accessLog: "\${env:YES}" }\n`
  const { result } = outcome(gatehouseSchema, listeners('"${env:PORT}"'))
  assert.ok(result.kind === 'parsed')
  assert.deepEqual([result.parsed.value.listeners[0]?.port, result.parsed.value.telemetry.accessLog], [8443, true])
  assert.deepEqual(problems(gatehouseSchema, listeners('"${env:WORD}"')), [
    'f.yaml:1:21: listeners[0].port: expected a number, but the value of ${env:WORD} is none',
  ])
  assert.deepEqual(problems(gatehouseSchema, listeners('"8443"')), [
    'f.yaml:1:21: listeners[0].port: expected a number, found a text',
  ])
  for (const port of ['true', 'null', '""', '[]'])
    assert.equal(problems(gatehouseSchema, listeners(port)).length, 1, port)
})

test('default-secret and empty-secret: a master key that nobody generated is refused, and not shown', () => {
  const file = (key: string) =>
    `listeners: [{ port: 1 }]\nlogin: { url: http://l.test }\nsecrets: { masterKey: ${key} }\n`
  for (const key of ['changeme', '""', 'A'.repeat(43), 'ab'.repeat(21) + 'a', '"${env:WORD}"']) {
    const found = problems(gatehouseSchema, file(key))
    assert.match(found.join(), /^f\.yaml:3:23: secrets\.masterKey: .*gatehouse init/, key)
    assert.doesNotMatch(found.join(), /changeme|hunter2/)
  }
})

test('a value that could not be read gives one problem, not a second from the schema', () => {
  const text = `url: \${env:NONE}\nrealm: /x\nupstream: { servers: ["\${env:NONE}"] }\n`
  const { source, result } = outcome(agentProfileSchema, text)
  assert.equal(source.problems.length, 2)
  assert.deepEqual(result, { kind: 'refused', problems: [] })
})

test('a password instead of a hash is refused without being shown', () => {
  const found = problems(usersFileSchema, 'users:\n  - username: a\n    password: hunter2\n')
  assert.deepEqual(found, [
    'f.yaml:3:15: users[0].password: write the hash that `gatehouse hash-password` prints, not the password',
  ])
})

test('origins are read in canonical form', () => {
  const urls = ['HTTPS://App.Example.COM:443/', 'http://bücher.example', 'http://[::1]:8080', 'http://a.test:80']
  const read = urls.map((url) => {
    const { result } = outcome(agentProfileSchema, AGENT.replace('http://a.test', `"${url}"`))
    return result.kind === 'parsed' ? result.parsed.value.url : result.problems
  })
  assert.deepEqual(read, [
    'https://app.example.com',
    'http://xn--bcher-kva.example',
    'http://[::1]:8080',
    'http://a.test',
  ])
  const bad = [
    'https://*.example.com',
    'http://a.test.',
    'http://u@a.test',
    'http://a.test/x',
    'http://a.test?',
    'ftp://a.test',
    'http:a.test',
    'http://a b',
  ]
  for (const url of bad)
    assert.equal(problems(agentProfileSchema, AGENT.replace('http://a.test', `"${url}"`)).length, 1, url)
})
