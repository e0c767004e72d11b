import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { RealmName } from '../base/brand.ts'
import { createGotoCheck, type GotoVerdict } from './goto.ts'

interface Vector {
  readonly id: string
  readonly goto: string
  readonly verdict: 'allow' | 'refuse' | 'default'
}

const vectors = JSON.parse(readFileSync(new URL('vectors/goto.json', import.meta.url), 'utf8')) as readonly Vector[]

const REALM = '/employees' as RealmName
const LOGIN = 'https://gw.example.com'
const APP = 'https://app.example.com'

const check = createGotoCheck({
  loginOrigin: LOGIN,
  origins: new Map([[REALM, [APP, 'http://plain.example.com:8080']]]),
})
const at = (goto: string): GotoVerdict => check(REALM, goto)

function accepted(goto: string): string {
  const verdict = at(goto)
  assert.ok(verdict.kind === 'accepted', `${goto} → ${JSON.stringify(verdict)}`)
  return verdict.url
}

function refused(goto: string): string {
  const verdict = at(goto)
  assert.ok(verdict.kind === 'refused', `${goto} → ${JSON.stringify(verdict)}`)
  return verdict.reason
}

suite('goto', () => {
  test('the corpus is whole', () => assert.equal(vectors.length, 103))

  for (const { id, goto, verdict } of vectors) {
    test(`${id}: ${verdict}`, () => {
      const answer = at(goto)
      assert.equal(answer.kind, verdict === 'allow' ? 'accepted' : 'refused')
      if (answer.kind === 'accepted') assert.equal(new URL(answer.url, `${LOGIN}/login`).origin, LOGIN)
      if (verdict === 'default') assert.deepEqual(answer, { kind: 'refused', reason: 'empty' })
    })
    test(`${id}: encoded once more than it should be it leads nowhere`, () => {
      assert.equal(at(encodeURIComponent(goto)).kind, 'refused')
    })
    test(`${id}: behind a registered origin it never leaves that origin`, () => {
      for (const text of [`${APP}${goto}`, `${APP}/${goto}`, `/x?next=${goto}`]) {
        const answer = at(text)
        if (answer.kind === 'refused') continue
        const origin = new URL(answer.url, `${LOGIN}/login`).origin
        assert.ok(origin === APP || origin === LOGIN, text)
      }
    })
  }

  test('a rooted path becomes a URL at the login host, anything else stays letter for letter', () => {
    assert.equal(accepted('/app/page?a=b&c=d#x'), `${LOGIN}/app/page?a=b&c=d#x`)
    for (const goto of [APP, `${APP}/`, `${APP}/a//b?x=%2F%2Fe%25%0a#y`, `${APP}?q`, 'http://plain.example.com:8080/x'])
      assert.equal(accepted(goto), goto)
  })

  test('a query may hold encoded slashes, percents and line ends: it does not decide where the browser goes', () => {
    assert.equal(accepted(`${APP}/find?q=a%2Fb%5Cc%250%0D%0A`), `${APP}/find?q=a%2Fb%5Cc%250%0D%0A`)
  })

  test('an origin in any other spelling is refused', () => {
    for (const goto of [
      'HTTPS://app.example.com/',
      'https://APP.example.com/',
      'https://app.example.com:443/',
      'https://app.example.com./',
      'https://app.%65xample.com/',
      'https:/app.example.com/',
      'https:app.example.com/',
      'http://app.example.com/',
      'http://plain.example.com/',
      'https://user@app.example.com/',
      'https://app.example.com@evil.example/',
    ])
      refused(goto)
  })

  test('our own login, logout and callback addresses are refused in every spelling', () => {
    for (const goto of [
      '/login',
      '/login/',
      '/LOGIN/employees',
      '/%6cogin?goto=/x',
      '/x/../login',
      '/x/%2e%2e/logout',
      '/logout;x',
      `${LOGIN}/login?goto=x`,
      '/.gatehouse/callback?code=x',
      `${APP}/.gatehouse/logout`,
      `${APP}/%2egatehouse/logout`,
      '/.gatehouse/form?ticket=x',
      `${APP}/.gatehouse/form/../logout`,
      `${APP}/.gatehouse/Form`,
      `${APP}/.gatehouse/%66orm`,
      `${APP}/.gatehouse/form/`,
      `${APP}/.gatehouse/begin/x`,
      '/.gatehouse/begin?goto=/x',
      `${APP}/.gatehouse/acs`,
    ])
      assert.equal(refused(goto), 'own-endpoint', goto)
    accepted(`${APP}/login`)
    accepted(`${APP}/.gatehouse/begin?goto=%2Fx`)
    accepted('/loginhelp')
  })

  test('a path that is not UTF-8 is refused', () => assert.equal(refused(`${APP}/%ff`), 'ambiguous-path'))

  test('2000 characters are the most', () => {
    const longest = `${APP}/`.padEnd(2_000, 'a')
    assert.equal(accepted(longest), longest)
    assert.equal(refused(`${longest}a`), 'too-long')
  })

  test('whatever is accepted leads a browser to a registered origin, from any page, and nowhere into our own paths', () => {
    const starts = [
      APP,
      LOGIN,
      'http://plain.example.com:8080',
      '',
      '/',
      'https://evil.example',
      'javascript:',
      'https:',
    ]
    const pieces = [
      ...[
        '/',
        '//',
        '\\',
        '.',
        '..',
        '@',
        ':',
        '?',
        '#',
        ';',
        '%2f',
        '%5C',
        '%2e',
        '%25',
        '%0d',
        '%00',
        '%',
        '\t',
        '\n',
        ' ',
      ],
      ...['evil.example', 'a', 'login', 'LOGIN', '.gatehouse', '%2egatehouse', 'é', '。', '[', ':443', 'https://'],
    ]
    const origins = new Set([APP, LOGIN, 'http://plain.example.com:8080'])
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.array(fc.constantFrom(...pieces), { maxLength: 6 }),
        fc.boolean(),
        (start, rest, rooted) => {
          const goto = `${start}${rooted ? '/' : ''}${rest.join('')}`
          const answer = at(goto)
          if (answer.kind === 'refused') return
          assert.match(answer.url, /^[\x21-\x5b\x5d-\x7e]+$/)
          for (const page of [`${LOGIN}/login`, 'https://evil.example/x', 'http://evil.example/']) {
            const url: URL = new URL(answer.url, page)
            assert.ok(origins.has(url.origin), goto)
            assert.equal(`${url.username}${url.password}`, '', goto)
            assert.ok(answer.url.startsWith(url.origin), goto)
            assert.match(answer.url.slice(url.origin.length), /^(?:[/?#]|$)/, goto)
            assert.doesNotMatch(url.pathname, /^\/(?:\/|\.gatehouse(?:[/;]|$))/, goto)
            if (url.origin === LOGIN) assert.doesNotMatch(url.pathname, /^\/login(?:[/;]|$)/i, goto)
          }
        },
      ),
      { numRuns: 10_000 },
    )
  })

  test('the origins of one realm are nothing to another; the login host is everybody’s', () => {
    const other = '/customers' as RealmName
    assert.deepEqual(check(other, `${APP}/`), { kind: 'refused', reason: 'not-registered' })
    assert.deepEqual(check(other, '/'), { kind: 'accepted', url: `${LOGIN}/` })
  })
})
