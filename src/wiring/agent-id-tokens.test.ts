import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import type { EpochMs } from '../base/brand.ts'
import { configFolder, HASH, MASTER_KEY } from '../config/config-folder.fixture.ts'
import { loadConfig } from '../config/load.ts'
import type { RingKey } from '../crypto/key-document.ts'
import type { Purpose } from '../crypto/purposes.ts'
import { agentIdTokensOf } from './agent-id-tokens.ts'

const { privateKey: KEY } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const PASSWORD = 'a password of forty characters, as it is'

async function compile(t: TestContext, oidc: string | undefined, url = 'https://app.other.example') {
  const more = oidc === undefined ? '' : `, oidc: ${oidc}`
  const { root } = configFolder(t, {
    'agent-config/modern.yaml': `url: ${url}\nrealm: /staff\nssoOnly: true\nopenam: { secret: "${HASH}"${more} }\n`,
    'realms/staff/clients.yaml': 'acr: [{ name: strong, level: 2 }]\n',
  })
  const { snapshot, problems } = await loadConfig(root, { env: { KEY: MASTER_KEY } })
  assert.ok(snapshot, JSON.stringify(problems))
  const wanted: Purpose[] = []
  const signing: RingKey = {
    ...{ kid: 'kid-of-16-letter', purpose: 'oidc-rsa', sequence: 1, key: KEY },
    ...{ createdAt: 0 as EpochMs, notBefore: 0 as EpochMs },
  }
  const idTokens = await agentIdTokensOf(snapshot, {
    want: (purposes) => Promise.resolve(void wanted.push(...purposes)),
    current: () => signing,
    all: () => [signing],
  })
  const profile = snapshot.agents.find(({ id }) => id === 'modern')
  return { idTokens, openId: profile && idTokens.of(profile), wanted }
}

test('an agent of AM 7 finds the key of its ID tokens', async (t) => {
  const { idTokens, openId, wanted } = await compile(t, '{}')
  assert.deepEqual(wanted, ['oidc-rsa'])
  const keys = idTokens.keys?.() as JSONWebKeySet
  assert.deepEqual(Object.keys(keys.keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  const token = openId?.sign({ aud: 'modern' }) ?? ''
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), { algorithms: ['RS256'] })
  assert.deepEqual([payload.aud, protectedHeader.kid], ['modern', 'kid-of-16-letter'])
  assert.deepEqual([openId?.levelOf('strong'), openId?.levelOf('3'), openId?.levelOf('x')], [2, 3, undefined])
})

test('an agent of OpenAM checks them with its password, and no key is made for it', async (t) => {
  const { idTokens, openId, wanted } = await compile(t, `{ signature: HS256, password: "${PASSWORD}" }`)
  assert.deepEqual([wanted, idTokens.keys], [[], undefined])
  const { payload } = await jwtVerify(openId?.sign({ aud: 'modern' }) ?? '', Buffer.from(PASSWORD), {
    algorithms: ['HS256'],
  })
  assert.equal(payload.aud, 'modern')
})

test('who is not marked for it gets none; the address is the one of the profile, with its port and without', async (t) => {
  assert.equal((await compile(t, undefined)).openId, undefined)
  const callbacks = async (...args: [string, string?]) => (await compile(t, ...args)).openId?.redirectUris
  assert.deepEqual(await callbacks('{}'), [
    'https://app.other.example:443/agent/cdsso-oauth2',
    'https://app.other.example/agent/cdsso-oauth2',
  ])
  assert.deepEqual(await callbacks('{ redirectPath: /sso }', 'http://app.other.example'), [
    'http://app.other.example:80/sso',
    'http://app.other.example/sso',
  ])
  assert.deepEqual(await callbacks('{}', 'https://app.other.example:8443'), [
    'https://app.other.example:8443/agent/cdsso-oauth2',
  ])
})
