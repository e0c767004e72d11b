import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

const SITE =
  'url: http://app.acme.localhost:8080\nrealm: /staff\nupstream: { servers: [http://127.0.0.1:9001] }\nssoOnly: true\nnotEnforced: [{ path: /open/* }]\n'

/** A page beside `agent-config/`. */
const FILE = '${file:pages/denied.html}'

const ELSEWHERE = 'nobody is sent to hosts that are not the url of a site here or the login host; name one'

test('a profile sends people to hosts of the configuration alone, and tells browsers to forget no cookie of ours', async (context) => {
  for (const [line, problem] of [
    ['logout: { urls: [{ path: /bye }], goto: /open/x?y }', undefined],
    ['logout: { urls: [{ path: /bye }], goto: "http://login.acme.localhost:8080/x" }', undefined],
    ['logout: { urls: [{ path: /bye }], goto: signed-out }', undefined],
    ['logout: { urls: [{ path: /bye }], goto: "https://evil.example/" }', `:6:41: ${ELSEWHERE}`],
    ['logout: { urls: [{ path: /bye }], goto: "http://app.acme.localhost/" }', `:6:41: ${ELSEWHERE}`],
    [
      'logout: { urls: [{ path: /bye }], goto: /x }',
      ':6:41: warning: this path needs a session, and who is sent there has none any more: they end at the login; add it to notEnforced',
    ],
    [
      'logout: { urls: [{ path: "/bye*" }], goto: "/bye/now?x" }',
      ':6:44: logout.goto: this is one of the addresses that sign out, so nobody would get away from it; name another',
    ],
    ...['//evil.example', '/\\\\evil', 'javascript:alert(1)', 'http://a@b', '/a b'].map(
      (goto): readonly [string, string] => [
        `logout: { urls: [{ path: /bye }], goto: "${goto}" }`,
        ':6:41: logout.goto: write a path of the site, such as /goodbye, a whole URL of another site here, or signed-out',
      ],
    ),
    ['cookieReset: { login: [{ name: JSESSIONID, domain: acme.localhost, path: /a }] }', undefined],
    [
      'answers: { accessDenied: /sorry, json: { paths: [/a/*], status: 404 }, pages: { "403": "<h1>{{status}}" } }',
      undefined,
    ],
    [
      `answers: { pages: { '403': '${FILE}' } }`,
      ':6:28: answers.pages.403: there is no {{who}}; write one of requestId, status, message, site, username, logoutUrl',
    ],
    ['answers: { accessDenied: "https://evil.example/" }', `:6:26: ${ELSEWHERE}`],
    ['answers: { json: { status: 404 } }', ':6:18: answers.json: write paths or headers'],
    ['answers: { json: { paths: [/a], status: 200 } }', ':6:41: answers.json.status: the number must be at least 400'],
    [
      'answers: { json: { paths: [/a], status: 421 } }',
      ':6:41: answers.json.status: this status means something else to browsers and proxies',
    ],
    ['answers: { pages: { "401": x } }', ':6:21: unknown key "401" in answers.pages'],
    [
      'answers: { pages: { "403": "<SCRIPT>x" } }',
      ':6:28: answers.pages.403: browsers run no script on such a page (its content security policy); remove it',
    ],
    [
      'answers: { pages: { "403": "{{name}}" } }',
      ':6:28: answers.pages.403: there is no {{name}}; write one of requestId, status, message, site, username, logoutUrl',
    ],
    [
      'answers: { pages: { "403": "<style>{{site}}</style>" } }',
      ':6:28: answers.pages.403: nothing is filled in inside of style elements; remove the {{…}}',
    ],
    [
      'cookieReset: { login: [{ name: __Secure-ssotokenid }] }',
      ":6:24: __Secure-ssotokenid is a cookie of the gateway's own, which it clears itself; name the application's",
    ],
    [
      'cookieReset: { logout: [{ name: gatehouse-handshake }] }',
      ":6:25: gatehouse-handshake is a cookie of the gateway's own, which it clears itself; name the application's",
    ],
    [
      'cookieReset: { logout: [{ name: a, domain: other.localhost }] }',
      ":6:25: browsers take no cookie of other.localhost from app.acme.localhost; write the site's host or a parent of it",
    ],
    [
      'cookieReset: { logout: [{ name: __Host-a }] }',
      ':6:25: browsers know no cookie with such a prefix over http; write a',
    ],
    [
      'cookieReset: { logout: [{ name: __Host-a, path: /x }] }',
      ':6:25: cookieReset.logout[0]: a cookie with __Host- has no domain, and the path / (RFC 6265bis)',
    ],
    [
      'cookieReset: { logout: [{ name: a, path: "/;x" }] }',
      ':6:42: cookieReset.logout[0].path: start the path with /, without spaces or ;',
    ],
  ] as const) {
    const found = await problemsOf(
      context,
      { 'agent-config/app.yaml': `${SITE}${line}\n`, 'pages/denied.html': '<h1>{{who}}' },
      { env: { KEY: MASTER_KEY } },
    )
    assert.deepEqual(found, problem === undefined ? [] : [`agent-config/app.yaml${problem}`], line)
  }
})
