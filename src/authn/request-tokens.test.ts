import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import type { User } from '../identity/directory.ts'
import type { AuthModule, JudgedToken, TokenJudge } from './modules/module.ts'
import type { AuthPolicy } from './policies.schema.ts'
import { requestTokensOf } from './request-tokens.ts'

const ISSUER = 'https://idp.example'
const FOR_US = 'gatehouse'

function person(username: string, ...groups: readonly string[]): User {
  return { id: `id-${username}`, username, groups: new Set(groups), attributes: {} }
}

function setup(judged: JudgedToken | 'token-expired' | 'token-of-nobody' | 'token-keys-unavailable') {
  const time = { now: 1_000_000 }
  const seen: string[] = []
  const judge: TokenJudge = {
    signers: [{ issuer: ISSUER, audience: FOR_US }],
    judge: (token) => {
      seen.push(token)
      return Promise.resolve(judged)
    },
  }
  const base = { type: 'externalJwt', use: 'either', authLevel: 1, process: () => Promise.reject(new Error()) } as const
  const modules = new Map<string, AuthModule>([['jwt', { ...base, name: 'jwt', tokens: judge }]])
  const policies: readonly AuthPolicy[] = [{ name: 'machines', groups: ['machines'], everyRequest: 'jwt' }]
  const parts = { clock: () => time.now as EpochMs, maxEntries: 10 }
  const tokens = requestTokensOf({ modules, policies }, parts)
  assert.ok(tokens !== undefined)
  const robot = person('robot', 'machines')
  const demand = tokens.demandOn(robot, robot)
  assert.ok(demand !== undefined)
  return { time, seen, tokens, demand, modules, parts, robot }
}

const ROBOT = { userId: 'id-robot' }

test('who has no such policy brings nothing, and a realm without one asks nobody', () => {
  const { tokens, modules, parts } = setup('token-expired')
  const alice = person('alice')
  assert.equal(tokens.demandOn(alice, alice), undefined)
  assert.equal(requestTokensOf({ modules, policies: [{ name: 'all', secondFactors: ['jwt'] }] }, parts), undefined)
})

test('a token is judged once, and believed for a minute and never longer than it lives', async () => {
  const { time, seen, demand, robot } = setup({ user: person('robot'), until: 1_130_000 })
  assert.equal(await demand.faultOf('Bearer a.b.c', ROBOT), undefined)
  time.now += 59_999
  assert.equal(demand.faultOf('Bearer a.b.c', ROBOT), undefined, 'answered at once')
  assert.equal(seen.length, 1)
  time.now += 1
  assert.ok(demand.faultOf('Bearer a.b.c', ROBOT) instanceof Promise)
  assert.equal(seen.length, 2)
  await Promise.resolve()
  time.now = 999_999
  assert.ok(demand.faultOf('Bearer a.b.c', ROBOT) instanceof Promise, 'a clock that was set back')
  const short = setup({ user: robot, until: 1_000_500 })
  assert.equal(await short.demand.faultOf('Bearer a.b.c', ROBOT), undefined)
  short.time.now += 500
  assert.ok(short.demand.faultOf('Bearer a.b.c', ROBOT) instanceof Promise, 'its life is over')
})

test('the token of somebody else does not count, judged a moment ago or not', async () => {
  const { demand } = setup({ user: person('other'), until: 2_000_000 })
  assert.equal(await demand.faultOf('Bearer a.b.c', ROBOT), 'token-refused')
  assert.equal(demand.faultOf('Bearer a.b.c', ROBOT), 'token-refused')
  assert.equal(demand.faultOf('Bearer a.b.c', { userId: 'id-other' }), undefined)
})

test('no token, one that is no bearer token, and one that is not good; what is wrong is not kept', async () => {
  const { demand, seen } = setup('token-expired')
  for (const value of [undefined, '', 'Basic a.b.c', 'Bearer', 'Bearer a.b.c, Bearer d.e.f'])
    assert.equal(demand.faultOf(value, ROBOT), 'token-missing', value)
  assert.equal(await demand.faultOf('Bearer a.b.c', ROBOT), 'token-expired')
  assert.equal(await demand.faultOf('Bearer a.b.c', ROBOT), 'token-expired')
  assert.equal(seen.length, 2)
  assert.equal(await setup('token-of-nobody').demand.faultOf('Bearer a.b.c', ROBOT), 'token-refused')
})

test('where the keys cannot be had nobody is let through', async () => {
  const { demand } = setup('token-keys-unavailable')
  await assert.rejects(async () => demand.faultOf('Bearer a.b.c', ROBOT), { code: 'GH_KEYS_UNAVAILABLE' })
})

test('what reads as a token of the signer for us is kept from applications, and others are not', () => {
  const { tokens } = setup('token-expired')
  const jwt = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
  const ours = jwt({ iss: ISSUER, aud: FOR_US })
  for (const value of [
    `Bearer ${ours}`,
    ours,
    `Token t="${ours}"`,
    `Bearer x.y.z, Bearer ${ours}`,
    `Bearer ${jwt({ iss: ISSUER, aud: ['other', FOR_US] })}`,
    'a.b.c '.repeat(9),
  ])
    assert.equal(tokens.carries(value), true, value)
  for (const value of [
    'Basic YTpi',
    'Bearer a.b.c',
    `Bearer ${jwt({ iss: ISSUER, aud: 'the-application' })}`,
    `Bearer ${jwt({ iss: 'https://other.example', aud: FOR_US })}`,
    `Bearer ${jwt(null)}`,
  ])
    assert.equal(tokens.carries(value), false, value)
})

test('a header of one long word, or of many, is read in no time', () => {
  const { tokens } = setup('token-expired')
  const values = ['a'.repeat(31_000), 'a.'.repeat(15_500), 'a-.'.repeat(10_000), `x.${'a'.repeat(31_000)}`]
  const before = process.cpuUsage()
  for (const value of values) tokens.carries(value)
  const { user } = process.cpuUsage(before)
  // Some milliseconds; with the square of the length it is a second.
  assert.ok(user < 200_000, `${user / 1_000} ms`)
})
