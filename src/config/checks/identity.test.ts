import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

const SITE =
  'url: http://app.acme.localhost:8080\nrealm: /staff\nupstream: { servers: [http://127.0.0.1:9001] }\nssoOnly: true\n'

function said(context: TestContext, identity: string): Promise<string[]> {
  return problemsOf(context, { 'agent-config/app.yaml': `${SITE}${identity}\n` }, { env: { KEY: MASTER_KEY } })
}

test('a cookie for the application has a name that nobody else uses, in one spelling, and a separator it can hold', async (context) => {
  for (const [identity, problem] of [
    ['identity: { cookies: { HTTP_MAIL: attribute:mail, HTTP_ROLES: groups }, separator: "|" }', undefined],
    [
      'identity: { cookies: { ssotokenid: username } }',
      ":5:36: this is the name of a cookie of the gateway's own; choose another",
    ],
    [
      'identity: { cookies: { gatehouse-user: username } }',
      ":5:40: this is the name of a cookie of the gateway's own; choose another",
    ],
    [
      'identity: { cookies: { my.mail: username, My_Mail: username } }',
      ':5:52: identity.cookies.My_Mail: this cookie is there already in another spelling, and some applications read both as one',
    ],
    [
      'identity: { cookies: { mail: username }, separator: ";" }',
      ':5:53: identity.separator: this would cut a cookie in two; write |, or another that is not , or ;',
    ],
    [
      'identity: { cookies: { "a b": username } }',
      ':5:24: identity.cookies.a b: use letters, digits, underscores, dots and hyphens',
    ],
    [
      'identity: { headers: { X-Plan: response:plan } }',
      ':5:32: warning: no policy is asked here (ssoOnly), so there are no response attributes; leave it out or write policies',
    ],
    ['environment: { headers: { X-Device: device }, cookies: { dev: device } }', undefined],
    [
      'environment: { headers: { Authorization: device } }',
      ':5:27: environment.headers.Authorization: this header says who somebody is, which is no matter of the environment',
    ],
    [
      'environment: { headers: { x-remote-user: device } }',
      ':5:42: this header tells the application who somebody is; what a client says under its name counts for nothing',
    ],
    [
      'clientAddressHeader: X-Real-IP\nenvironment: { headers: { x-real-ip: address } }',
      ':6:38: this header tells the application from where somebody comes; what a client says under its name counts for nothing',
    ],
    [
      'identity: { cookies: { HTTP_MAIL: attribute:mail } }\nenvironment: { cookies: { http_mail: mail } }',
      ':6:38: this cookie tells the application who somebody is; what a client says under its name counts for nothing',
    ],
    [
      'environment: { cookies: { __Host-SSOTokenID: device } }',
      ":5:46: this is the name of a cookie of the gateway's own, whose value nobody may see",
    ],
    [
      'environment: { cookies: { a: requestIp } }',
      ':5:30: environment.cookies.a: this name means something else already; choose another',
    ],
    ['clientAddressHeader: X-Real-IP', undefined],
    [
      'clientAddressHeader: x-remote-user',
      ':5:22: this header is there already in another spelling; header names ignore case',
    ],
    [
      'clientAddressHeader: X-Forwarded-For',
      ':5:22: this header means something else already; choose another name, such as X-Real-IP',
    ],
    ['loginRules: [{ path: /a/*, chain: default }]', undefined],
    ['loginRules: [{ chain: defautl }]', ':5:23: realm /staff has no chain "defautl"; did you mean "default"?'],
    ['loginRules: [{ path: /a/* }]', ':5:14: loginRules[0]: write either chain or authLevel'],
  ] as const) {
    const found = await said(context, identity)
    assert.deepEqual(found, problem === undefined ? [] : [`agent-config/app.yaml${problem}`], identity)
  }
})
