import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RealmName } from '../../src/base/brand.ts'
import { loadConfig } from '../../src/config/load.ts'
import { noServerError, openExplain } from './oracles.ts'
import { byHeader, EMPLOYEES, JSON_TYPE, loginToken, rest, type RestCall } from './rest.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig, SignedIn } from './rig.ts'
import { loadWith } from './config-copy.ts'
import { runVectors } from './suite.ts'

interface ConfigVector {
  readonly id: string
  readonly yaml?: string
  readonly json?: string
}

const POLICIES = 'realms/employees/policies.yaml'
const REALM = 'realms/employees/realm.yaml'

async function refused(rig: Rig, file: string, change: (text: string) => string, message = /./): Promise<void> {
  const started = performance.now()
  const { snapshot, problems } = await loadWith(rig, file, change)
  assert.equal(snapshot, undefined, 'refused')
  const errors = problems.filter(({ severity }) => severity === 'error')
  assert.ok(
    errors.some((problem) => problem.file === file && message.test(problem.message)),
    JSON.stringify(errors),
  )
  assert.ok(performance.now() - started < 20_000, 'bounded')
}

function append(text: string): (before: string) => string {
  return (before) => `${before}\n${text}\n`
}

function aliasBomb(): string {
  const levels = Array.from({ length: 30 }, (_, i) => `l${i}: &l${i} [${i === 0 ? 'x, x' : `*l${i - 1}, *l${i - 1}`}]`)
  return levels.join('\n')
}

runVectors<ConfigVector>('config_and_proto', {
  only: {
    'yaml-alias-bomb': (rig) => refused(rig, REALM, append(aliasBomb())),
    'yaml-merge-chain': (rig) => refused(rig, REALM, append(`base: &x { a: 1 }\nmore:\n${'  <<: *x\n'.repeat(200)}`)),
    'yaml-dup-key': (rig, { yaml = '' }) => refused(rig, REALM, append(yaml)),
    async 'yaml-norway'(rig) {
      const { snapshot } = await loadWith(rig, REALM, (text) => text.replace('Employees', 'no'))
      assert.equal(snapshot?.realms.get('/employees' as RealmName)?.look.title, 'no')
    },
    'yaml-octal': (rig) => refused(rig, REALM, append('session: { maxIdle: 0777 }')),
    'yaml-tag': (rig, { yaml = '' }) => refused(rig, REALM, append(`look2: ${yaml}`)),
    async 'yaml-proto'(rig, { yaml = '' }) {
      await refused(rig, REALM, append(yaml))
      await refused(rig, REALM, append('constructor: { prototype: { admin: true } }'))
      assert.equal(({} as { admin?: boolean }).admin, undefined)
    },
    'yaml-multi-doc': (rig) => refused(rig, REALM, append('---\nlook: { title: Other }')),
    async 'yaml-tabs-bom-crlf'(rig) {
      await refused(rig, REALM, append('session:\n\tmaxIdle: 5m'))
      const { snapshot } = await loadWith(rig, REALM, (text) => `\ufeff${text.replaceAll('\n', '\r\n')}`)
      assert.ok(snapshot, 'a byte order mark and CRLF change nothing')
    },
    async 'yaml-null-rule'(rig) {
      await refused(rig, POLICIES, append('  - '))
      await refused(rig, POLICIES, append('  - name: x\n    resources:\n      - \n    actions: {}\n    subject:'))
    },
    async 'unknown-key'(rig, { yaml = '' }) {
      for (const file of [
        POLICIES,
        REALM,
        'agent-config/app.yaml',
        'agent-config/gatehouse.yaml',
        'realms/employees/users.yaml',
      ])
        await refused(rig, file, append(yaml))
    },
    async 'env-expand'(rig) {
      await refused(rig, REALM, (text) => text.replace('Employees', '${env:NOBODY_SET_THIS_ONE}'))
      await refused(rig, REALM, (text) => text.replace('Employees', '${SECRET}'))
      const { problems } = await loadWith(rig, REALM, (text) =>
        text.replace('Employees', '${file:../../../../etc/passwd}'),
      )
      assert.doesNotMatch(JSON.stringify(problems), /root:/, 'what a file says is not quoted')
    },
    async 'default-secret'(rig) {
      for (const secret of ['changeme', 'A'.repeat(43), 'secret', '0123456789'.repeat(5).slice(0, 43)])
        await refused(rig, 'agent-config/gatehouse.yaml', (text) => text.replace('"${file:data/master.key}"', secret))
    },
    'empty-secret': (rig) =>
      refused(rig, 'agent-config/gatehouse.yaml', (text) => text.replace('"${file:data/master.key}"', '""')),
    async 'world-readable'(rig) {
      rig.tally.sent++
      rig.tally.checks++
      const key = join(rig.root, 'data/master.key')
      chmodSync(key, 0o644)
      const { problems } = await loadConfig(rig.root)
      chmodSync(key, 0o600)
      assert.ok(problems.some(({ message }) => message.includes('chmod 600')))
    },
    async 'rule-order'(rig) {
      const policy = (name: string, effect: string): string =>
        `  - name: ${name}\n    resources: ['https://app.example.com:*/order/*']\n    actions: { GET: ${effect} }\n    subject: { type: AuthenticatedUsers }`
      const file = join(rig.root, POLICIES)
      const before = readFileSync(file, 'utf8')
      for (const pair of [
        [policy('a', 'allow'), policy('b', 'deny')],
        [policy('b', 'deny'), policy('a', 'allow')],
      ]) {
        rig.tally.sent++
        writeFileSync(file, `${before}\n${pair.join('\n')}\n`)
        ;(await openExplain(rig))('bob', 'GET', '/order/x', false)
      }
      writeFileSync(file, before)
    },
    async 'rule-dead'(rig) {
      const policy = (name: string, effect: string): string =>
        `  - name: ${name}\n    resources: ['https://app.example.com:*/dead/*']\n    actions: { GET: ${effect} }\n    subject: { type: AuthenticatedUsers }`
      const warnings = async (file: string, change: (text: string) => string): Promise<string> => {
        const { snapshot, problems } = await loadWith(rig, file, change)
        assert.ok(snapshot, 'a warning refuses nothing')
        return problems.map(({ message }) => message).join('\n')
      }
      for (const effect of ['allow', 'deny'])
        assert.match(
          await warnings(POLICIES, append([policy('first', 'deny'), policy('second', effect)].join('\n'))),
          /policy "second" changes nothing: "first"/,
        )
      const opened = (text: string): string =>
        text.replace('- path: /public/*', '- path: /public/x\n  - path: /public/*')
      assert.match(await warnings('agent-config/app.yaml', opened), /this opens nothing/)
      assert.doesNotMatch(await warnings(POLICIES, (text) => text), /nothing/)
    },
    async 'mass-assign'(rig, { json = '' }) {
      const bob = await rig.signIn('bob')
      const headers = byHeader(bob) + JSON_TYPE
      const facts = () => rest(rig, `${EMPLOYEES}?_action=getSessionProperties`, { headers })
      const before = (await facts()).body
      const named = { username: 'bob', tokenId: loginToken(bob), properties: ['AuthLevel'], AuthLevel: '9' }
      for (const action of ['validate', 'logout', 'getSessionInfo', 'getProperty', 'logoutByUser', 'logoutByHandle']) {
        const body = JSON.stringify({ ...named, ...(JSON.parse(json) as object) })
        assert.equal((await rest(rig, `${EMPLOYEES}?_action=${action}`, { headers, body })).status, 400, action)
      }
      for (const action of ['updateSessionProperties', 'setProperty', 'deleteProperty'])
        assert.equal((await rest(rig, `${EMPLOYEES}?_action=${action}`, { headers, body: json })).status, 403, action)
      rig.tally.checks++
      assert.equal((await facts()).body, before)
    },
    async 'json-proto'(rig, { json = '' }) {
      await jsonToEveryone(rig, json)
    },
    async 'json-constructor'(rig, { json = '' }) {
      await jsonToEveryone(rig, json)
    },
  },
})

let admin: SignedIn | undefined

/** No page takes JSON, and what does knows its fields; a form whose names are poisonous is a form without our fields. */
async function jsonToEveryone(rig: Rig, json: string): Promise<void> {
  admin ??= await rig.signIn('bob')
  const names = [
    '__proto__[role]',
    '__proto__',
    'constructor[prototype][role]',
    'constructor',
    'hasOwnProperty',
    'toString',
  ]
  const form = Object.fromEntries([...names.map((name): [string, string] => [name, 'admin']), ['authId', 'x']])
  for (const path of ['/login/employees', '/logout']) {
    for (const type of ['application/json', 'text/plain'])
      noServerError(
        rig,
        await rig.ask(
          `POST ${path} HTTP/1.1\r\nHost: gw.example.com\r\nOrigin: ${ORIGINS.login}\r\nContent-Type: ${type}\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
        ),
        type,
      )
    const page = await rig.browser().call(ORIGINS.login + path, { form })
    noServerError(rig, page, path)
  }
  for (const action of ['validate', 'getSessionInfo', 'logoutByUser']) {
    const call: RestCall = { headers: byHeader(admin) + JSON_TYPE, body: json }
    assert.equal((await rest(rig, `${EMPLOYEES}?_action=${action}`, call)).status, 400, action)
  }
  const query = names.map((name) => `${encodeURIComponent(name)}=admin`).join('&')
  for (const path of [
    '/login/employees',
    '/logout',
    '/logged-out',
    '/login/__proto__',
    '/login/constructor',
    '/theme/__proto__/look.css',
    '/assets/__proto__',
    '/assets/constructor',
  ])
    noServerError(rig, await rig.ask(`GET ${path}?${query} HTTP/1.1\r\nHost: gw.example.com\r\n\r\n`), path)
  assert.equal((await admin.client.call(`${ORIGINS.app}/admin/x`)).status, 403)
  for (const name of ['__proto__', 'constructor', 'toString', 'valueOf'])
    assert.equal((await admin.client.call(`${ORIGINS.app}/.gatehouse/${name}`)).status, 404)
}
