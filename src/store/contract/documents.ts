import assert from 'node:assert/strict'
import { EPOCH } from '../epoch.ts'
import { login, times, wins, isUnavailable, type Rule } from './scene.ts'

export function documentRules(rule: Rule): void {
  rule('a document is put once and replaced by whoever knows its version', async ({ store }) => {
    assert.equal(await store.documents.get('keys', 'k'), undefined)
    assert.equal(await store.documents.putIfAbsent('keys', 'k', 'one'), true)
    assert.equal(await store.documents.putIfAbsent('keys', 'k', 'again'), false)
    const document = await store.documents.get('keys', 'k')
    assert.deepEqual({ id: document?.id, value: document?.value }, { id: 'k', value: 'one' })
    const version = document?.version ?? 0
    assert.equal(await store.documents.replace('keys', 'k', version + 1, 'wrong'), false)
    assert.equal(await store.documents.replace('keys', 'k', version, 'two'), true)
    assert.equal(await store.documents.replace('keys', 'k', version, 'late'), false)
    assert.equal(await store.documents.replace('keys', 'other', version, 'none'), false)
    assert.equal((await store.documents.get('keys', 'k'))?.value, 'two')
    assert.notEqual((await store.documents.get('keys', 'k'))?.version, version)
  })

  rule('a collection is listed in order of id, apart from others', async ({ store }) => {
    for (const id of ['b', 'a', 'c']) await store.documents.putIfAbsent('keys', id, `value ${id}`)
    await store.documents.putIfAbsent('other', 'd', 'x')
    await store.documents.remove('keys', 'c')
    await store.documents.remove('keys', 'c')
    assert.deepEqual(
      (await store.documents.list('keys')).map(({ id, value }) => [id, value]),
      [
        ['a', 'value a'],
        ['b', 'value b'],
      ],
    )
    assert.deepEqual(await store.documents.list('none'), [])
  })

  rule(
    'a large collection is read in parts: what is there all the time comes, and no part is all',
    async ({ store }) => {
      const { documents } = store
      const ids = times(500, (i) => `kept ${i}`)
      await Promise.all(ids.map((id) => documents.putIfAbsent('large', id, `value of ${id} ${'x'.repeat(80)}`)))
      await documents.putIfAbsent('large', 'goes', 'x')
      await documents.putIfAbsent('other', 'd', 'x')
      const seen = new Map<string, string>()
      let from: string | undefined
      do {
        const part = await documents.page('large', 20, from)
        assert.ok(part.documents.length < 250)
        for (const { id, value } of part.documents) seen.set(id, value)
        if (from === undefined) await documents.remove('large', 'goes')
        from = part.next
      } while (from !== undefined)
      seen.delete('goes')
      assert.deepEqual([...seen.keys()].sort(), [...ids].sort())
      assert.equal(seen.get('kept 7')?.startsWith('value of kept 7 '), true)
      assert.deepEqual(await documents.page('none', 20), { documents: [], next: undefined })
    },
  )

  rule('documents do not expire', async ({ store, clock }) => {
    await store.documents.putIfAbsent('keys', 'k', 'one')
    clock.advance(10 * 365 * 86_400_000)
    await store.ping()
    assert.equal((await store.documents.get('keys', 'k'))?.value, 'one')
  })

  rule('of 100 parallel puts and of 100 parallel replacements one wins', async ({ store, open }) => {
    const other = await open()
    const puts = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).documents.putIfAbsent('keys', 'k', `put ${i}`)),
    )
    assert.equal(wins(puts), 1)
    const document = await store.documents.get('keys', 'k')
    assert.equal(document?.value, `put ${puts.indexOf(true)}`)
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).documents.replace('keys', 'k', document.version, `${i}`)),
    )
    assert.equal(wins(answers), 1)
    assert.equal((await other.documents.get('keys', 'k'))?.value, `${answers.indexOf(true)}`)
  })
}

export function lifeRules(rule: Rule): void {
  rule('every process finds the same epoch of the store', async ({ store, open }) => {
    const epoch = await store.documents.get(EPOCH.collection, EPOCH.id)
    assert.ok(epoch !== undefined && epoch.value.length >= 16)
    assert.deepEqual(await (await open()).documents.get(EPOCH.collection, EPOCH.id), epoch)
  })

  rule('ping settles while the store can be read and written, and rejects when it is closed', async ({ store }) => {
    await store.ping()
    await store.close()
    await assert.rejects(store.ping(), isUnavailable)
  })

  rule('close writes what was accepted before it; another process finds it', async ({ store, open }) => {
    const writes = times(300, (i) => login(store, `s${i}`))
    await Promise.all([...writes, store.close()])
    const other = await open()
    assert.equal((await other.sessions.list({ limit: 1_000 })).length, 300)
  })

  rule('a closed store rejects reads and writes instead of saying no; closing twice is no fault', async ({ store }) => {
    await login(store, 's1')
    await Promise.all([store.close(), store.close()])
    await store.close()
    await assert.rejects(store.sessions.resolve('s1-login', 17), isUnavailable)
    await assert.rejects(store.sessions.end('s1', 'logout'), isUnavailable)
    await assert.rejects(store.oneTime.take('code', 'k'), isUnavailable)
  })
}
