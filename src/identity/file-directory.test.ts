import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { GatehouseError } from '../errors.ts'
import { createFileDirectory, type PasswordVerifier } from './file-directory.ts'
import { networkOf } from '../http/network.ts'
import { usernameKey } from '../base/username-key.ts'
import type { UserConfig } from './users.schema.ts'

const REALM = '/employees' as RealmName

function config(username: string, more: Partial<UserConfig> = {}): UserConfig {
  return {
    username,
    password: `hash of ${username}`,
    groups: [],
    attributes: {},
    disabled: false,
    demo: false,
    ...more,
  }
}

/** A hasher that notes every call: what it is asked to do is what it costs. */
function countingHasher(): PasswordVerifier & { readonly calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    verify(stored, password) {
      calls.push(password)
      return Promise.resolve(stored === `hash of ${password}`)
    },
    verifyNothing(password) {
      calls.push(password)
      return Promise.resolve()
    },
    hasRoom: () => true,
  }
}

suite('file directory', () => {
  test('a right password answers with the user', async () => {
    const users = [config('alice', { id: 'u1', groups: ['staff'], attributes: { mail: ['a@acme.example'] } })]
    const directory = createFileDirectory(REALM, users, countingHasher())
    const check = await directory.checkPassword('alice', 'alice')
    assert.deepEqual(check, {
      kind: 'passed',
      user: { id: 'u1', username: 'alice', groups: new Set(['staff']), attributes: { mail: ['a@acme.example'] } },
    })
    assert.equal(directory.find('u1')?.username, 'alice')
  })

  test('the id of a user without one is the username', async () => {
    const directory = createFileDirectory(REALM, [config('Alice')], countingHasher())
    assert.equal(directory.find('Alice')?.username, 'Alice')
    assert.equal((await directory.checkPassword('alice', 'Alice')).kind, 'passed')
  })

  test('unknown user, wrong password and disabled account cost the same call of the hasher, whatever is typed', async () => {
    const users = [config('alice'), config('gone', { disabled: true })]
    for (const [username, password, reason] of [
      ['alice', 'wrong', 'wrong-password'],
      ['nobody', 'wrong', 'unknown-user'],
      ['x'.repeat(100_000), 'wrong', 'unknown-user'],
      ['', 'wrong', 'unknown-user'],
      ['gone', 'wrong', 'disabled'],
      ['gone', 'gone', 'disabled'],
      ['__proto__', 'wrong', 'unknown-user'],
    ] as const) {
      const hasher = countingHasher()
      const check = await createFileDirectory(REALM, users, hasher).checkPassword(username, password)
      assert.deepEqual(check, { kind: 'failed', reason })
      assert.deepEqual(hasher.calls, [password], 'once, with the password that was typed')
    }
  })

  test('the real hasher tells right from wrong, disabled from enabled', async () => {
    const hasher = createPasswordHasher()
    const password = await hasher.hash('correct horse')
    const users = [config('alice', { password }), config('gone', { password, disabled: true })]
    const directory = createFileDirectory(REALM, users, hasher)
    assert.equal((await directory.checkPassword('ALICE', 'correct horse')).kind, 'passed')
    assert.equal((await directory.checkPassword('alice', 'correct hors')).kind, 'failed')
    assert.equal((await directory.checkPassword('gone', 'correct horse')).kind, 'failed')
    assert.equal((await directory.checkPassword('bob', 'correct horse')).kind, 'failed')
  })

  test('a disabled user is not found, so that their sessions can end', () => {
    const directory = createFileDirectory(REALM, [config('gone', { id: 'u9', disabled: true })], countingHasher())
    assert.equal(directory.find('u9'), undefined)
    assert.equal(directory.find('constructor'), undefined)
  })

  test('two users of one folded name, or of one id, are a configuration fault', () => {
    for (const users of [
      [config('straße'), config('STRASSE'), config('Straße')],
      [config('alice', { id: 'u1' }), config('bob', { id: 'u1' })],
    ]) {
      assert.throws(
        () => createFileDirectory(REALM, users, countingHasher()),
        (error) => error instanceof GatehouseError && error.code === 'GH_CONFIG_INVALID',
      )
    }
  })
})

suite('username key', () => {
  test('folds case, composition, width and surrounding space to one key', () => {
    const key = usernameKey('josé')
    for (const spelling of ['JOSÉ', 'jose\u0301', ' josé\t', 'ｊｏｓé', 'Jose\u0301'])
      assert.equal(usernameKey(spelling), key)
    assert.equal(usernameKey('\u212Aarl'), 'karl', 'the Kelvin sign is a K')
  })

  test('is its own key', () => {
    for (const name of ['İstanbul', 'ΑΣ', 'ﬁn', 'a\u0345', '\u03aa\u0301', 'Ǆ', ' x '])
      assert.equal(usernameKey(usernameKey(name)), usernameKey(name))
  })

  test('keeps people of other alphabets apart', () => {
    assert.notEqual(usernameKey('аlice'), usernameKey('alice'), 'a Cyrillic a')
  })
})

suite('network', () => {
  test('IPv4 is itself, IPv6 its /64, IPv4-mapped the IPv4', () => {
    assert.equal(networkOf('192.0.2.1'), '192.0.2.1')
    assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:2:ffff:ffff:ffff:ffff'))
    assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
    assert.equal(networkOf('::1'), '0:0:0:0::/64')
    assert.equal(networkOf(undefined), networkOf('not an address'))
  })
})
