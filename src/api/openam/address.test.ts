import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathBelowJson, readAddress } from './address.ts'

function read(path: string, realm?: string) {
  const below = pathBelowJson(path)
  return below === undefined ? undefined : readAddress(below, realm)
}

test('every form of addressing a realm names the same realm', () => {
  const inContractors: readonly (readonly [string, string?])[] = [
    ['/json/realms/root/realms/employees/realms/contractors/sessions'],
    ['/json/realms/root/realms/employees/realms/contractors/sessions/'],
    ['/json/employees/contractors/sessions'],
    ['/json/sessions', '/employees/contractors'],
    ['/am/json/sessions', '/employees/contractors'],
    ['/openam/json/employees/contractors/sessions'],
    ['/json/realms/root/realms/customers/sessions', '/employees/contractors'],
  ]
  for (const [path, realm] of inContractors)
    assert.deepEqual(read(path, realm), { resource: 'sessions', id: undefined, realm: '/employees/contractors' }, path)
})

test('without a realm, or with an empty one, it is that of the path, or the root realm', () => {
  for (const path of ['/json/sessions', '/json/realms/root/sessions', '/am/json/sessions/'])
    assert.deepEqual(read(path), { resource: 'sessions', id: undefined, realm: '/' }, path)
  assert.equal(read('/json/sessions', '')?.realm, '/')
  assert.equal(read('/json/employees/sessions', '')?.realm, '/employees')
})

test('a realm that is called like a resource is reached by the form with realms', () => {
  assert.equal(read('/json/realms/root/realms/sessions/users')?.realm, '/sessions')
})

test('what comes after the resource is decoded', () => {
  assert.equal(read('/json/serverinfo/*')?.id, '*')
  assert.equal(read('/json/sessions/abc%2Adef%2A')?.id, 'abc*def*')
})

test('nothing else is an address', () => {
  for (const path of [
    '/jsonx/sessions',
    '/x/json/sessions',
    '/json/realms/sessions',
    '/json/realms/root/realms/sessions',
    '/json/realms/root/employees/sessions',
    '/json/Employees/sessions',
    '/json/employees',
    '/json/sessions/a/b',
    '/json/',
  ])
    assert.equal(read(path), undefined, path)
  for (const realm of ['employees', '/employees/', '//', '/Employees', '/a"b'])
    assert.equal(read('/json/sessions', realm), undefined, realm)
})
