import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { writerInThisThread } from '../store/embedded/same-thread.fixture.ts'
import type { Log } from '../telemetry/log.ts'
import { createTransactions, TRANSACTION_MS, type AskedRequest, type Transactions } from './transactions.ts'

const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }
const SESSION = { sid: 'AAsid-1', realm: '/employees' as RealmName }
const REQUEST: AskedRequest = {
  session: SESSION,
  agent: 'pay' as AgentId,
  method: 'POST',
  url: 'https://pay.example/transfer?to=bob',
  content: 'hash',
  requirements: ['AuthLevel:2'],
}

/** Two processes on one file. */
async function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-transactions-'))
  const time = { now: 1_800_000_000_000 }
  const clock = (): EpochMs => time.now as EpochMs
  const open = async (): Promise<Transactions> => {
    const path = join(folder, 'cts.db')
    const store = await openEmbeddedStore({ path, clock, log: silent, spawn: writerInThisThread(path) })
    t.after(() => store.close())
    return createTransactions(store)
  }
  t.after(() => rmSync(folder, { recursive: true }))
  const [one, other] = [await open(), await open()]
  const approved = async (request = REQUEST): Promise<string> => {
    const id = await one.ask(request)
    assert.ok(id !== undefined && (await other.approve(id, request.session)))
    return id
  }
  return { one, other, time, approved }
}

suite('transactions', () => {
  test('one approval lets one of many pass, over all processes, and the next one needs another', async (t) => {
    const { one, other, approved } = await scene(t)
    assert.equal(await one.redeem(REQUEST), undefined)
    const id = await approved()
    const tries = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : other).redeem(REQUEST)))
    assert.deepEqual(
      tries.filter((redeemed) => redeemed !== undefined),
      [id],
    )
    await approved()
    assert.ok(await other.redeem(REQUEST))
  })

  const others: Readonly<Record<string, Partial<AskedRequest>>> = {
    'another session': { session: { ...SESSION, sid: 'AAsid-2' } },
    'another realm': { session: { ...SESSION, realm: '/' as RealmName } },
    'another site': { agent: 'app' as AgentId },
    'another method': { method: 'PUT' },
    'another address': { url: 'https://pay.example/transfer?to=eve' },
    'another body': { content: 'other' },
    'a stronger approval': { requirements: ['AuthLevel:3'] },
    'one approval more': { requirements: ['AuthLevel:2', 'AuthScheme:totp'] },
  }
  for (const [what, change] of Object.entries(others)) {
    test(`an approval is not one for ${what}`, async (t) => {
      const { one, approved } = await scene(t)
      await approved()
      assert.equal(await one.redeem({ ...REQUEST, ...change }), undefined)
      assert.ok(await one.redeem(REQUEST), 'and is still there')
    })
  }

  test('a client that names its approval gets that one, once over all processes, and no other', async (t) => {
    const { one, other, approved } = await scene(t)
    const [first, second] = [await approved(), await approved()]
    const strange = '00000000-0000-4000-8000-000000000000'
    for (const id of [strange, 'x', '']) assert.equal(await one.redeem(REQUEST, id), undefined)
    const tries = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : other).redeem(REQUEST, first)))
    assert.deepEqual(
      tries.filter((redeemed) => redeemed !== undefined),
      [first],
    )
    assert.equal(await one.redeem(REQUEST), second, 'who names none has the last one')
    assert.equal(await one.redeem(REQUEST, second), undefined, 'which is used as well')
    assert.equal(await one.redeem(REQUEST), undefined)
  })

  for (const [what, change] of Object.entries(others)) {
    test(`an approval that is named is not one for ${what}`, async (t) => {
      const { one, approved } = await scene(t)
      const id = await approved()
      assert.equal(await one.redeem({ ...REQUEST, ...change }, id), undefined)
      assert.equal(await one.redeem(REQUEST, id), id, 'and is still there')
    })
  }

  test('a query may be spelt anew by the client that adds a parameter to it, and says the same thing still', async (t) => {
    const { one, approved } = await scene(t)
    const at = (query: string): AskedRequest => ({ ...REQUEST, url: `https://pay.example/transfer${query}` })
    const same = { '?to=a%20b&c~': '?to=a+b&c%7E=', '?': '' }
    for (const [asked, sent] of Object.entries(same)) {
      const id = await approved(at(asked))
      assert.equal(await one.redeem(at(sent)), undefined, 'only by who names it')
      assert.equal(await one.redeem(at(sent), id), id)
    }
    const different = {
      '?to=%FF': '?to=%FE',
      '?to=a%2Bb': '?to=a+b',
      '?to=bob&to=eve': '?to=eve&to=bob',
      '??to=bob': '?to=bob',
    }
    for (const [asked, sent] of Object.entries(different)) {
      const id = await approved(at(asked))
      assert.equal(await one.redeem(at(sent), id), undefined, sent)
    }
  })

  test('says what is to be approved, and to nobody whose session it is not is it approved', async (t) => {
    const { one, other } = await scene(t)
    const id = (await one.ask(REQUEST)) ?? ''
    const { sid, realm } = SESSION
    const named = { agent: 'pay', method: 'POST', path: '/transfer', requirements: ['AuthLevel:2'] }
    assert.deepEqual(await other.find(id), { id, sid, realm, ...named })
    assert.equal(await other.approve(id, { sid: 'AAsid-2' }), false)
    assert.equal(await one.redeem(REQUEST), undefined)
  })

  test('is approved once: a second page of it approves nothing more', async (t) => {
    const { one, other, approved } = await scene(t)
    const id = await approved()
    assert.ok(await one.redeem(REQUEST))
    assert.equal(await other.approve(id, SESSION), false)
    assert.equal(await one.find(id), undefined)
    assert.equal(await one.redeem(REQUEST), undefined)
  })

  test('lasts three minutes, asked and approved alike', async (t) => {
    const { one, time, approved } = await scene(t)
    const id = (await one.ask(REQUEST)) ?? ''
    time.now += TRANSACTION_MS
    assert.equal(await one.approve(id, SESSION), false)
    await approved()
    time.now += TRANSACTION_MS
    assert.equal(await one.redeem(REQUEST), undefined)
  })

  test('a session has no more than sixty open', async (t) => {
    const { one, time } = await scene(t)
    for (let i = 0; i < 60; i++) assert.ok(await one.ask({ ...REQUEST, content: String(i) }))
    assert.equal(await one.ask(REQUEST), undefined)
    assert.ok(await one.ask({ ...REQUEST, session: { ...SESSION, sid: 'AAsid-2' } }))
    time.now += TRANSACTION_MS
    assert.ok(await one.ask(REQUEST))
  })

  test('no id but one of ours reaches the store', async (t) => {
    const { one } = await scene(t)
    for (const id of ['', 'x', "' OR 1=1", 'A'.repeat(5_000)]) assert.equal(await one.find(id), undefined)
  })
})
