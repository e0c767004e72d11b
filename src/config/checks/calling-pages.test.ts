import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

function said(context: TestContext, login: string, site: string): Promise<string[]> {
  const files = {
    'agent-config/gatehouse.yaml': `listeners: [{ port: 8080 }]\nlogin: { url: ${login} }\ntrustedProxies: [127.0.0.1]\nsecrets: { masterKey: "\${env:KEY}" }\n`,
    'agent-config/app.yaml': `url: ${site}\nrealm: /staff\nupstream: { servers: [http://127.0.0.1:9001] }\nssoOnly: true\ncallsLoginHost: true\n`,
  }
  return problemsOf(context, files, { env: { KEY: MASTER_KEY } })
}

test('pages may call a login host under their own domain, and not over http where that is over https', async (context) => {
  assert.deepEqual(await said(context, 'https://login.acme.example', 'https://app.acme.example'), [])
  const over = await said(context, 'https://login.acme.example', 'http://app.acme.example')
  assert.ok(
    over.includes(
      'agent-config/app.yaml:5:17: pages over http may not call a login host over https; serve the site over https',
    ),
    over.join('\n'),
  )
  for (const [login, site] of [
    ['https://login.acme.example', 'https://app.other.example'],
    ['https://one.github.io', 'https://other.github.io'],
  ] as const)
    assert.deepEqual(await said(context, login, site), [
      'agent-config/app.yaml:5:17: warning: the site and the login host are not under one domain, so browsers send no cookie with its calls',
    ])
})
