import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { KeyDocuments } from '../../crypto/key-maintenance.ts'
import { createSamlKeys, readRealmKeys } from './realm-keys.ts'

const DAY = 86_400_000
const employees = '/employees' as RealmName
const customers = '/customers' as RealmName

/** As much of the store as keys need. */
function memory(): KeyDocuments & {
  readonly all: Map<string, { readonly id: string; readonly version: number; readonly value: string }>
} {
  const all = new Map<string, { id: string; version: number; value: string }>()
  const at = (collection: string, id: string): string => `${collection} ${id}`
  return {
    all,
    list: (collection) =>
      Promise.resolve([...all].flatMap(([key, each]) => (key.startsWith(`${collection} `) ? [each] : []))),
    putIfAbsent(collection, id, value) {
      const key = at(collection, id)
      const isFree = !all.has(key)
      if (isFree) all.set(key, { id, version: 1, value })
      return Promise.resolve(isFree)
    },
    replace: () => Promise.resolve(false),
    remove: (collection, id) => Promise.resolve(void all.delete(at(collection, id))),
  }
}

test('each realm has keys of its own, and a successor is published long before it signs', async (t) => {
  let now = Date.UTC(2026, 0, 1)
  const documents = memory()
  const say = (): void => undefined
  const deps = {
    ...{ documents, masterKey: Buffer.alloc(32, 7).toString('base64url'), clock: () => now as EpochMs },
    log: { info: say, error: say },
    rules: { samlPublishAhead: 14 * DAY },
  }
  const open = () => {
    const keys = createSamlKeys(deps)
    t.after(() => keys.close())
    return keys
  }
  const keys = open()
  const mine = await keys.of(employees)
  const first = mine.signing()
  const certificate = new X509Certificate(Buffer.from(first.certificate, 'base64'))
  assert.deepEqual(
    [certificate.subject, certificate.checkPrivateKey(first.key)],
    ['CN=Gatehouse SAML /employees', true],
  )
  assert.notEqual(first.certificate, mine.all('saml-encryption')[0]?.certificate)
  assert.notEqual((await keys.of(customers)).signing().certificate, first.certificate)
  assert.equal((await open().of(employees)).signing().certificate, first.certificate, 'in every process')

  now += 1_000 * DAY
  assert.equal((await open().of(employees)).all('saml-signing').length, 1, 'no time replaces it')
  await (await readRealmKeys(employees, deps)).rotate('saml-signing')
  const both = (await open().of(employees)).all('saml-signing')
  assert.deepEqual([both.length, both[0]?.certificate], [2, first.certificate])
  now += 14 * DAY
  const after = await open().of(employees)
  assert.deepEqual(after.signing().certificate, both[1]?.certificate)

  // Who can write the store cannot make one realm speak as another.
  for (const [key, document] of documents.all)
    if (key.includes('customers')) documents.all.set(key.replace('customers', 'employees'), document)
  await assert.rejects(open().of(employees), { code: 'GH_CONFIG_INVALID' })
})
