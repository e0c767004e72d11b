import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { uniteAdvices } from './advices.ts'
import { allOf, anyOf, not, type Condition, type ConditionResult } from './condition.ts'
import { compileCondition } from './conditions.ts'
import type { AccessQuery, Step } from './decision.ts'
import { failureOf } from './step.ts'

const query: AccessQuery = {
  policySet: 'set',
  resource: { scheme: 'http', host: 'h', port: 80, path: '/', query: undefined },
  action: 'GET',
  session: {
    realm: '/employees' as RealmName,
    userId: 'u1',
    username: 'alice',
    authLevel: 1,
    authModules: ['password'],
    authInstant: 0 as EpochMs,
    createdAt: 0 as EpochMs,
    properties: {},
  },
  facts: { groups: new Set(), attributes: {} },
  clientIp: '127.0.0.1',
  now: 0 as EpochMs,
}

const always = (result: ConditionResult): Condition => ({ check: () => result })
/** What it failed on, in words. */
function failedOn(condition: Condition, asked: AccessQuery): string {
  const steps: Step[] = []
  assert.equal(condition.check(asked, steps).satisfied, false)
  return steps.map(failureOf).join(' / ')
}

const level = (authLevel: number) => compileCondition({ type: 'AuthLevel', authLevel })
const at = (time: number) => time as EpochMs
const holds = (validUntil?: number) =>
  always(validUntil === undefined ? { satisfied: true } : { satisfied: true, validUntil: at(validUntil) })
const fails = (validUntil?: number) =>
  always(validUntil === undefined ? { satisfied: false } : { satisfied: false, validUntil: at(validUntil) })

suite('AuthLevel', () => {
  test('holds from its level on', () => {
    assert.deepEqual(level(1).check(query), { satisfied: true })
  })

  test('below it advises the level and says what it failed on', () => {
    assert.deepEqual(level(2).check(query), { satisfied: false, advices: { AuthLevelConditionAdvice: ['2'] } })
    assert.equal(failedOn(level(2), query), 'AuthLevel: 1 is below 2')
  })
})

suite('AuthenticateToService and AuthenticateToRealm', () => {
  const service = compileCondition({ type: 'AuthenticateToService', authenticateToService: 'strong' })
  const passed = (Service: string) => ({ ...query, session: { ...query.session, properties: { Service } } })

  test('the chain is one that the session has passed, whole and under its own name', () => {
    for (const chains of ['strong', 'default|strong']) assert.equal(service.check(passed(chains)).satisfied, true)
    for (const chains of ['', 'default', 'strongest', 'default|stronger']) {
      const refused = { satisfied: false, advices: { AuthenticateToServiceConditionAdvice: ['strong'] } }
      assert.deepEqual(service.check(passed(chains)), refused)
    }
    assert.equal(service.check(query).satisfied, false)
  })

  test('the realm is that of the session', () => {
    const realm = (authenticateToRealm: string) =>
      compileCondition({ type: 'AuthenticateToRealm', authenticateToRealm })
    assert.equal(realm('/employees').check(query).satisfied, true)
    const refused = { satisfied: false, advices: { AuthenticateToRealmConditionAdvice: ['/'] } }
    assert.deepEqual(realm('/').check(query), refused)
  })
})

suite('Transaction', () => {
  const condition = compileCondition({
    type: 'Transaction',
    authenticationStrategy: 'AuthScheme',
    strategySpecifier: 'totp',
  })

  test('says what an approval takes, and holds for the approved request alone', () => {
    const refused = { satisfied: false, advices: { TransactionConditionAdvice: ['AuthScheme:totp'] } }
    assert.deepEqual(condition.check(query), refused)
    assert.deepEqual(condition.check({ ...query, approved: false }), refused)
    assert.deepEqual(condition.check({ ...query, approved: true }), { satisfied: true, validUntil: query.now })
  })
})

suite('AND', () => {
  test('needs every member and asks for the highest level at once', () => {
    assert.deepEqual(allOf([level(1), level(3), level(2)]).check(query), {
      satisfied: false,
      advices: { AuthLevelConditionAdvice: ['3'] },
    })
    assert.deepEqual(allOf([level(1), level(0)]).check(query), { satisfied: true })
  })

  test('gives no advice when a member fails that no login can satisfy: no step-up for nothing', () => {
    assert.deepEqual(allOf([level(2), fails()]).check(query), { satisfied: false, holdsBack: true })
    assert.deepEqual(anyOf([allOf([level(2), fails()]), fails()]).check(query), { satisfied: false, holdsBack: true })
    assert.deepEqual(allOf([fails(), fails()]).check(query), { satisfied: false })
  })

  test('holds no longer than the first of its members', () => {
    assert.deepEqual(allOf([holds(9), holds(5), holds()]).check(query), { satisfied: true, validUntil: 5 })
  })

  test('fails in the same way no longer than the first of its members is the same: what holds may ask for more later', () => {
    assert.deepEqual(allOf([holds(1), fails(7), fails(9)]).check(query), { satisfied: false, validUntil: 1 })
  })
})

suite('OR', () => {
  test('is content with one member and gives no advice then', () => {
    assert.deepEqual(anyOf([level(5), level(1)]).check(query), { satisfied: true })
  })

  test('asks for the lowest level that would do', () => {
    assert.deepEqual(anyOf([level(5), fails(), level(2)]).check(query), {
      satisfied: false,
      advices: { AuthLevelConditionAdvice: ['2'] },
    })
  })

  test('says all that failed', () => {
    assert.equal(failedOn(anyOf([level(5), level(2)]), query), 'AuthLevel: 1 is below 5; AuthLevel: 1 is below 2')
  })
})

suite('NOT', () => {
  test('turns the answer round and gives no advice, as in OpenAM', () => {
    assert.deepEqual(compileCondition({ type: 'NOT', condition: { type: 'AuthLevel', authLevel: 2 } }).check(query), {
      satisfied: true,
    })
    const refused = compileCondition({ type: 'NOT', condition: { type: 'AuthLevel', authLevel: 1 } })
    assert.deepEqual(refused.check(query), { satisfied: false })
    assert.equal(failedOn(refused, query), 'NOT: AuthLevel holds')
  })

  test('keeps the time of what it negates', () => {
    assert.deepEqual(not(fails(4)).check(query), { satisfied: true, validUntil: 4 })
    assert.deepEqual(not(holds(4)).check(query), { satisfied: false, validUntil: 4 })
  })
})

test('advices are united name by name, without duplicates', () => {
  const a = { AuthSchemeConditionAdvice: ['HOTP'], AuthLevelConditionAdvice: ['2'] }
  const b = { AuthSchemeConditionAdvice: ['TOTP', 'HOTP'], SessionConditionAdvice: ['deny'] }
  assert.deepEqual(uniteAdvices(a, b, 'all'), {
    AuthSchemeConditionAdvice: ['HOTP', 'TOTP'],
    AuthLevelConditionAdvice: ['2'],
    SessionConditionAdvice: ['deny'],
  })
  assert.deepEqual(uniteAdvices(undefined, a, 'one'), a)
})

suite('AuthScheme', () => {
  const scheme = compileCondition({ type: 'AuthScheme', authScheme: ['password', 'totp'] })

  test('holds once every module is passed, and advises those that are not', () => {
    assert.deepEqual(scheme.check(query), { satisfied: false, advices: { AuthSchemeConditionAdvice: ['totp'] } })
    assert.equal(failedOn(scheme, query), 'AuthScheme: totp not passed')
    const both = { ...query, session: { ...query.session, authModules: ['totp', 'password'] } }
    assert.deepEqual(scheme.check(both), { satisfied: true })
  })
})

suite('AuthAge', () => {
  const age = compileCondition({ type: 'AuthAge', maxAge: 300_000 })

  test('holds until the proof is that old, and says when it will not hold any more', () => {
    assert.deepEqual(age.check({ ...query, now: at(299_999) }), { satisfied: true, validUntil: at(300_000) })
    const late = { ...query, now: at(300_000) }
    assert.deepEqual(age.check(late), { satisfied: false, advices: { AuthenticationAgeConditionAdvice: ['300'] } })
    assert.equal(failedOn(age, late), 'AuthAge: 300 s old, 300 s at most')
  })

  test('of two ages the younger counts where both are needed, the older where one is enough', () => {
    const hour = { AuthenticationAgeConditionAdvice: ['3600'] }
    const minute = { AuthenticationAgeConditionAdvice: ['60'] }
    assert.deepEqual(uniteAdvices(hour, minute, 'all'), minute)
    assert.deepEqual(uniteAdvices(hour, minute, 'one'), hour)
  })
})
