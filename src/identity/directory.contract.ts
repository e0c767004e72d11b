import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import type { NamedDirectory } from './directory.ts'

export interface Person {
  readonly username: string
  readonly password: string
  readonly groups: readonly string[]
  readonly mail?: string
  readonly disabled?: true
}

/** What every directory of these tests holds. */
export const PEOPLE: readonly Person[] = [
  { username: 'alice', password: 'alice-contract-password', groups: ['staff', 'payroll'], mail: 'alice@example.com' },
  { username: 'bob', password: 'bob-contract-password', groups: [] },
  {
    username: 'carla',
    password: 'carla-contract-password',
    groups: ['staff'],
    mail: 'carla@example.com',
    disabled: true,
  },
  { username: 'müller', password: 'müller-contract-päßwort', groups: ['staff'], mail: 'shared@example.com' },
  { username: 'o(d)d*name\\2a', password: 'odd-contract-password', groups: ['staff'], mail: 'shared@example.com' },
  { username: 'di#st, in+gui=shed;"<>', password: 'dn-contract-password', groups: ['staff'] },
]

export interface ContractDirectory {
  readonly directory: NamedDirectory
  /** The id of each of PEOPLE. */
  readonly id: (username: string) => string
}

/** What the rest of the product relies on, whatever keeps the users. */
export function directoryContract(name: string, open: (t: TestContext) => Promise<ContractDirectory>): void {
  const it = (title: string, check: (subject: ContractDirectory) => Promise<void>): void =>
    void test(`${name}: ${title}`, async (t) => check(await open(t)))

  it('the right password gives the user, with groups and attributes', async ({ directory, id }) => {
    for (const { username, password, groups, mail, disabled } of PEOPLE) {
      const checked = await directory.checkPassword(username, password)
      if (disabled === true) {
        assert.deepEqual(checked, { kind: 'failed', reason: 'disabled' }, username)
        continue
      }
      assert.equal(checked.kind, 'passed', username)
      const { user } = checked
      assert.deepEqual(
        { ...user, groups: [...user.groups].sort() },
        {
          id: id(username),
          username,
          groups: [...groups].sort(),
          attributes: mail === undefined ? {} : { mail: [mail] },
        },
      )
      assert.deepEqual(await directory.find(id(username)), user)
    }
  })

  it('case, spaces around and Unicode form of a name make no difference', async ({ directory, id }) => {
    for (const spelling of ['ALICE', ' alice ', 'ａｌｉｃｅ', 'Ａlice']) {
      const checked = await directory.checkPassword(spelling, 'alice-contract-password')
      assert.equal(checked.kind === 'passed' && checked.user.id, id('alice'), spelling)
    }
    const composed = await directory.checkPassword('mu\u0308ller', 'müller-contract-päßwort')
    assert.equal(composed.kind === 'passed' && composed.user.id, id('müller'))
  })

  it('another letter is another name: no spelling gets guesses of its own', async ({ directory }) => {
    for (const other of ['muller', 'álice', 'al ice', 'alicе', 'ali\u0000ce', 'alice\u0000'])
      assert.deepEqual(
        await directory.checkPassword(other, 'alice-contract-password'),
        { kind: 'failed', reason: 'unknown-user' },
        JSON.stringify(other),
      )
  })

  it('a wrong password, nobody and somebody disabled are told apart for the audit trail', async ({ directory }) => {
    const reason = async (username: string, password: string): Promise<string> => {
      const checked = await directory.checkPassword(username, password)
      return checked.kind === 'failed' ? checked.reason : checked.kind
    }
    assert.equal(await reason('alice', 'wrong'), 'wrong-password')
    assert.equal(await reason('alice', 'Alice-contract-password'), 'wrong-password')
    assert.equal(await reason('alice', 'bob-contract-password'), 'wrong-password')
    assert.equal(await reason('nobody', 'wrong'), 'unknown-user')
    assert.equal(await reason('', 'wrong'), 'unknown-user')
    assert.equal(await reason('carla', 'wrong'), 'disabled')
  })

  it('what cannot be a password is none: empty, with a NUL, not Unicode, endless', async ({ directory }) => {
    for (const password of ['', '\0', 'alice-contract-password\0', '\ud800', 'x'.repeat(1_025), 'é'.repeat(600)])
      assert.equal((await directory.checkPassword('alice', password)).kind, 'failed', JSON.stringify(password))
    assert.equal((await directory.checkPassword('alice', ' ')).kind, 'failed')
  })

  it('a name is a value, whatever stands in it', async ({ directory }) => {
    for (const username of [
      '*',
      'a*',
      'alice)(uid=*',
      '*)(|(uid=*',
      'alice)',
      '\\61lice',
      'alice,ou=people',
      'uid=alice',
    ])
      for (const password of ['alice-contract-password', 'wrong'])
        assert.deepEqual(
          await directory.checkPassword(username, password),
          { kind: 'failed', reason: 'unknown-user' },
          username,
        )
  })

  it('an id finds the user it belongs to, and nobody else', async ({ directory, id }) => {
    assert.equal((await directory.find(id('bob')))?.username, 'bob')
    assert.equal(await directory.find(id('carla')), undefined)
    for (const other of ['*', '', 'constructor', '__proto__', `${id('bob')}*`, `${id('bob')})(uid=*`, ' '])
      assert.equal(await directory.find(other), undefined, other)
  })

  it('a name finds the id, of somebody disabled as well', async ({ directory, id }) => {
    assert.equal(await directory.idOf('Alice'), id('alice'))
    assert.equal(await directory.idOf('carla'), id('carla'))
    assert.equal(await directory.idOf('nobody'), undefined)
    assert.equal(await directory.idOf('*'), undefined)
  })

  it('a value of an attribute finds the one enabled user who has exactly it', async ({ directory, id }) => {
    const find = async (attribute: string, value: string): Promise<string | undefined> =>
      (await directory.findBy?.(attribute, value))?.id
    assert.equal(await find('mail', 'alice@example.com'), id('alice'))
    assert.equal(await find('username', 'bob'), id('bob'))
    assert.deepEqual(await directory.findBy?.('mail', 'alice@example.com'), await directory.find(id('alice')))
    // Two have it, and one who is disabled.
    for (const value of ['shared@example.com', 'carla@example.com']) assert.equal(await find('mail', value), undefined)
    assert.equal(await find('username', 'carla'), undefined)
    for (const value of ['ALICE@example.com', ' alice@example.com', '*', 'alice*', 'a)(mail=*', '', '\0'])
      assert.equal(await find('mail', value), undefined, JSON.stringify(value))
    for (const attribute of ['constructor', '__proto__', 'userPassword', 'phone', ''])
      assert.equal(await find(attribute, 'alice@example.com'), undefined, attribute)
  })

  it('who is asked for twice is one and the same object, for what others remember of it', async ({ directory, id }) => {
    const found = async (): Promise<readonly unknown[]> => [
      ...(await Promise.all([directory.find(id('alice')), directory.find(id('alice'))])),
      await directory.find(id('alice')),
    ]
    // What was changed a moment ago is still being heard of, and each word of it makes what was asked before too old to be kept.
    for (let tries = 0; tries < 500 && new Set(await found()).size > 1; tries++) await pause(10)
    const [one, ...others] = await found()
    assert.ok(one)
    assert.deepEqual(
      others.map((other) => other === one),
      [true, true],
    )
  })
}
