import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { loadWith } from './config-copy.ts'
import { attackIssuer } from './external-issuer.ts'
import { headersExact, isDead, noServerError, upstreamSilent } from './oracles.ts'
import { assertionClaims, logoutClaims, withPartnerRealm } from './partner-realm.ts'
import { WEB_SOCKET } from './requests.ts'
import { TOKEN_COOKIE, type Rig } from './rig.ts'
import { isNoToken, opensTheClub, spellings, steal, type StolenToken } from './stateless.ts'
import { runVectors, type Vector } from './suite.ts'

interface JwtVector extends Vector {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly payload?: string
  readonly sig?: string
}

let stolen: StolenToken

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** A signed JWT with the claims of the session, by whatever key an attacker has. */
function signed({ front, claims }: StolenToken, { header, sig }: JwtVector): string {
  const head = base64url(JSON.stringify({ typ: 'JWT', ...header }))
  const body = base64url(JSON.stringify({ ...claims, exp: Number(claims['exp']) }))
  const mac = createHmac('sha256', 'secret').update(`${head}.${body}`).digest('base64url')
  return `${front}${head}.${body}.${sig === undefined || /[^\w-]/.test(sig) ? mac : sig}`
}

/** What a row asks for, made with our own key where a key is needed at all. */
function forgeries(token: StolenToken, vector: JwtVector): readonly string[] {
  const { header, claims, sealed } = token
  const { id } = vector
  if (id === 'exp-missing') return [sealed(header, JSON.stringify({ ...claims, exp: undefined }))]
  if (id === 'iss-wrong' || id === 'iss-case')
    return [sealed(header, JSON.stringify({ ...claims, iss: 'HTTPS://GW.EXAMPLE.COM' }))]
  if (id === 'aud-wrong' || id === 'aud-array-plus-evil')
    return ['agent:evil', ['agent:club', 'agent:evil'], 'AGENT:CLUB'].map((aud) =>
      sealed(header, JSON.stringify({ ...claims, aud })),
    )
  if (vector.claims !== undefined) return [sealed(header, JSON.stringify({ ...claims, ...vector.claims }))]
  if (vector.payload !== undefined) return [sealed(header, vector.payload)]
  const changed = sealed({ ...header, ...vector.header }, JSON.stringify(claims))
  return vector.header === undefined ? [signed(token, vector)] : [changed, signed(token, vector)]
}

async function refused(rig: Rig, forged: readonly string[], id: string): Promise<void> {
  for (const token of forged) {
    const from = rig.log().length
    await isNoToken(rig, token, id)
    await rig.logged()
    const lines = rig.log().slice(from)
    assert.ok(!lines.includes(token.slice(0, 43)), `${id}: a token is logged`)
  }
}

runVectors<JwtVector>('jwt', {
  async setUp(rig) {
    stolen = await steal(rig)
    const { header, claims, sealed } = stolen
    assert.ok(await opensTheClub(rig, stolen.token))
    assert.ok(await opensTheClub(rig, sealed(header, JSON.stringify(claims))), 'what we seal ourselves is as good')
  },
  every: (rig, vector) => refused(rig, forgeries(stolen, vector), vector.id),
  only: {
    'kid-dup': (rig, { id }) => attackIssuer(rig, id),
    'kid-other-issuer': (rig, { id }) => attackIssuer(rig, id),
    'wrong-use': (rig, { id }) => attackIssuer(rig, id),
    // No secret that is shared signs anything here, but for the password by which an agent of OpenAM's holds its ID tokens.
    async 'weak-hs'(rig, vector) {
      await refused(rig, forgeries(stolen, vector), vector.id)
      const isRefused = async (file: string, change: (text: string) => string, about: string): Promise<void> => {
        const { snapshot, problems } = await loadWith(rig, file, change)
        assert.equal(snapshot, undefined, about)
        assert.ok(
          problems.some(({ severity }) => severity === 'error'),
          about,
        )
      }
      const clients = (more: string) => () => `clients: [{ id: x, redirectUris: ["https://rp.example/cb"], ${more} }]`
      const realm = 'realms/employees/clients.yaml'
      for (const more of [
        'secret: secret',
        'secret: changeme',
        `secret: ${'x'.repeat(32)}, idTokenAlg: HS256`,
        `secret: ${'x'.repeat(32)}, authMethod: client_secret_jwt`,
        'jwks: { keys: [{ kty: oct, k: c2VjcmV0 }] }',
      ])
        await isRefused(realm, clients(more), more)
      await isRefused(
        'agent-config/shop.yaml',
        (text) => `${text}\nopenam: { openid: { signature: HS256, password: secret } }\n`,
        'agent',
      )
      await isRefused('data/master.key', () => 'c2VjcmV0', 'master key')
    },
    'replay-jti': (rig) =>
      withPartnerRealm(rig, async ({ liar, signOut, show }) => {
        rig.tally.checks++
        const logout = await liar.sign(logoutClaims(liar, 'once'), { typ: 'logout+jwt' })
        const atOnce = await Promise.all(Array.from({ length: 10 }, () => signOut(logout)))
        assert.equal(atOnce.filter((status) => status === 200).length, 1, 'of a logout token')
        assert.equal(await signOut(logout), 400)
        const assertion = await liar.sign(assertionClaims('once'))
        const said = await Promise.all(Array.from({ length: 10 }, () => show(assertion)))
        assert.equal(said.filter((error) => error === 'invalid_grant').length, 1, 'of a client assertion')
        assert.notEqual(await show(assertion), 'invalid_grant')
      }),
    // Whatever is published, for whenever it is to sign: nothing of it makes a session.
    async 'next-key'(rig, vector) {
      const set = await rig.ask('GET /.well-known/jwks.json HTTP/1.1\r\nHost: gw.example.com\r\n\r\n')
      const { keys } = JSON.parse(set?.body ?? '') as { readonly keys: readonly Readonly<Record<string, string>>[] }
      assert.ok(keys.length > 0)
      const { claims, header, front, sealed } = stolen
      for (const { kid, alg, ...key } of keys) {
        const head = base64url(JSON.stringify({ typ: 'JWT', alg: 'HS256', kid }))
        const body = base64url(JSON.stringify(claims))
        const macs = [JSON.stringify(key), key['x'] ?? '', key['n'] ?? ''].map((secret) =>
          createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url'),
        )
        const named = [
          { ...header, kid },
          { ...header, kid, alg },
        ].map((each) => sealed(each, JSON.stringify(claims)))
        await refused(rig, [...named, ...macs.map((mac) => `${front}${head}.${body}.${mac}`)], vector.id)
      }
    },
    async 'exp-float'(rig) {
      const { header, claims, sealed } = stolen
      rig.tally.checks++
      assert.ok(await opensTheClub(rig, sealed(header, JSON.stringify({ ...claims, exp: Date.now() / 1_000 + 60.5 }))))
    },
    async 'skew-edges'(rig) {
      const { header, claims, sealed } = stolen
      const expiring = (seconds: number) =>
        sealed(header, JSON.stringify({ ...claims, exp: Date.now() / 1_000 + seconds }))
      await refused(rig, [expiring(-1), expiring(-0.01)], 'past its time')
      assert.ok(await opensTheClub(rig, expiring(30)))
    },
    async 'extra-segment'(rig) {
      const { token, front, jwt } = stolen
      const parts = jwt.split('.')
      const others = [`${front}h.p.s.x`, `${token}.x`, front + parts.slice(0, 4).join('.'), `${front}${parts[0] ?? ''}`]
      await refused(rig, [...others, token.replace('..', '.AAAA.')], 'segments')
    },
    'b64-pad': (rig) => refused(rig, spellings(stolen.token), 'spellings'),
    'b64-lowbits': (rig) => refused(rig, spellings(stolen.token), 'spellings'),
    async 'sig-empty'(rig) {
      const parts = stolen.token.split('.')
      await refused(
        rig,
        [parts.with(-1, '').join('.'), parts.with(-1, (parts.at(-1) ?? '').slice(0, 16)).join('.')],
        'tag',
      )
    },
    async 'bad-utf8'(rig) {
      const bytes = Buffer.from(JSON.stringify(stolen.claims).replace('"dave"', '"d@ve"'))
      bytes.set([0xc3, 0x28], bytes.indexOf('@v'))
      await refused(
        rig,
        [stolen.sealed(stolen.header, Buffer.from([0xc3, 0x28])), stolen.sealed(stolen.header, bytes)],
        'UTF-8',
      )
    },
    async zip(rig) {
      const bomb = deflateRawSync(Buffer.alloc(10_000_000, 0x20), { level: 9 }).subarray(0, 2_500)
      const { header, claims, sealed } = stolen
      const zipped = deflateRawSync(JSON.stringify(claims))
      await refused(
        rig,
        [bomb, zipped].map((body) => sealed({ ...header, zip: 'DEF' }, body)),
        'compression',
      )
      await refused(rig, [sealed(header, zipped)], 'compression that nobody named')
    },
    async nested(rig) {
      const { header, sealed, front } = stolen
      const inner = signed(stolen, { id: 'nested', header: { alg: 'HS256' } }).slice(front.length)
      await refused(rig, [sealed({ ...header, cty: 'JWT' }, inner), sealed(header, JSON.stringify(inner))], 'nested')
    },
    async 'multi-sig'(rig) {
      const [head = '', , iv = '', body = '', tag = ''] = stolen.jwt.split('.')
      const json = JSON.stringify({ protected: head, iv, ciphertext: body, tag, recipients: [{}, {}] })
      await refused(rig, [stolen.front + json, stolen.front + base64url(json)], 'JSON serialization')
    },
    async 'kid-flood'(rig) {
      const { header, claims, sealed } = stolen
      const kids = Array.from({ length: 1_000 }, (_, i) => `AAAAAAAAAAAA${String(i).padStart(4, '0')}`)
      for (const kid of kids) await isNoToken(rig, sealed({ ...header, kid }, JSON.stringify(claims)), kid)
      assert.ok(await opensTheClub(rig, stolen.token), 'others are served')
    },
    async big(rig) {
      const { header, claims, sealed, front } = stolen
      const deep = `{"a":${'['.repeat(1_200)}${']'.repeat(1_200)}}`
      const many = JSON.stringify({
        ...claims,
        ...Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`c${i}`, i])),
      })
      const large = JSON.stringify({ ...claims, properties: { x: 'x'.repeat(4_000) } })
      await refused(rig, [sealed(header, deep), sealed(header, many), sealed(header, large)], 'big')
      const huge = await rig.ask(
        `GET /me HTTP/1.1\r\nHost: club.example.com\r\nCookie: ${TOKEN_COOKIE}=${front}${'x'.repeat(1_000_000)}\r\n\r\n`,
      )
      assert.equal(huge?.status, 431)
    },
    async 'typ-confuse'(rig) {
      // The one JWT that we sign is for applications. A genuine one of alice, as an application could keep it, is nothing here.
      const alice = await rig.signIn('alice')
      const bob = await rig.signIn('bob')
      const start = rig.mark()
      assert.equal((await alice.client.call('https://app.example.com/me')).status, 200)
      const assertion =
        rig.since(start)[0]?.headers.find(([name]) => name.toLowerCase() === 'x-gatehouse-assertion')?.[1] ?? ''
      assert.match(assertion, /^[\w-]+\.[\w-]+\.[\w-]+$/)
      for (const site of ['app', 'login'] as const)
        for (const value of [assertion, `${assertion.slice(-43)}*AgRV*`, assertion.split('.')[2]?.slice(0, 43) ?? ''])
          await isDead(rig, `Cookie: ${TOKEN_COOKIE}=${value}\r\n`, 'an assertion as a token', site)
      const bearing = [
        `Authorization: Bearer ${assertion}\r\n`,
        `X-Gatehouse-Assertion: ${assertion}\r\n`,
        `x_gatehouse_assertion: ${assertion}\r\nDPoP: ${assertion}\r\n`,
      ]
      for (const lines of bearing)
        for (const upgrade of ['', WEB_SOCKET]) {
          const mark = rig.mark()
          const path = upgrade === '' ? '/me' : '/ws'
          const request = (cookie: string): string =>
            `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${cookie}${upgrade}${lines}\r\n`
          assert.equal((await rig.ask(request('')))?.status, 401)
          upstreamSilent(rig, mark, lines)
          // With a session of his own bob stays bob: alice's proof does not reach the application under our name.
          noServerError(rig, await rig.ask(request(bob.cookie('app'))), lines)
          const [seen] = rig.since(mark)
          assert.ok(seen)
          headersExact(rig, seen, 'bob', lines)
          assert.ok(!seen.headers.some(([name, value]) => /assertion/i.test(name) && value === assertion), lines)
        }
      const callback = `https://app.example.com/.gatehouse/callback?code=${assertion}&state=${'A'.repeat(43)}.0`
      const page = await rig.browser().call(callback)
      noServerError(rig, page, 'an assertion as a code')
      assert.notEqual(page.status, 303)
    },
  },
})
