import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { storeSchema } from '../store.schema.ts'
import { redisSettings } from './from-config.ts'
import { redisSchema } from './redis.schema.ts'
import { parseStoreUrl } from './store-url.ts'

const of = (url: string) => {
  const parsed = parseStoreUrl(url)
  return parsed.kind === 'parsed' ? parsed.settings : parsed.why
}
const place = { mode: 'standalone', primary: undefined, database: 0, isTls: false }

suite('a store URL', () => {
  test('names a server, with port, database, user and password or without', () => {
    assert.deepEqual(of('redis://cache.example'), { ...place, nodes: [{ host: 'cache.example', port: 6379 }] })
    assert.deepEqual(of('rediss://gate:p%40ss%3A@[::1]:7000/3'), {
      ...place,
      nodes: [{ host: '::1', port: 7000 }],
      database: 3,
      username: 'gate',
      password: 'p@ss:',
      isTls: true,
    })
    assert.deepEqual(of('redis://:secret@h'), { ...place, nodes: [{ host: 'h', port: 6379 }], password: 'secret' })
  })

  test('names sentinels and their primary, or members of a cluster', () => {
    assert.deepEqual(of('redis+sentinel://a:1,b/main/2'), {
      ...place,
      mode: 'sentinel',
      primary: 'main',
      database: 2,
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
    })
    assert.deepEqual(of('rediss+cluster://a:1,b:2'), {
      ...place,
      mode: 'cluster',
      isTls: true,
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    })
  })

  test('that is wrong is refused without quoting it', () => {
    const wrong = [
      'http://h',
      'redis://',
      'redis://a,b',
      'redis://h:0',
      'redis://h:65536',
      'redis://h/x',
      'redis://h/1/2',
      'redis://hush%zz@h',
      'redis+sentinel://h:1',
      'redis+sentinel://h:1/',
      'redis+cluster://h/1',
      'redis+cluster://h:1,,',
      'redis://h?db=1',
    ]
    for (const url of wrong) {
      const parsed = parseStoreUrl(url)
      assert.equal(parsed.kind, 'malformed', url)
      assert.ok(!('why' in parsed && parsed.why.includes('hush')), url)
    }
  })
})

suite('the store in the configuration', () => {
  test('is embedded when nothing names a server', () => {
    assert.equal(storeSchema.parse(undefined).url, undefined)
    assert.equal(storeSchema.parse({ driver: 'embedded' }).driver, 'embedded')
  })

  test('is refused when it names two stores, none, or one that cannot be', () => {
    const wrong = [
      { driver: 'embedded', url: 'redis://h' },
      { driver: 'redis' },
      { redis: {} },
      { redis: { nodes: ['a', 'b'] } },
      { redis: { mode: 'sentinel', nodes: ['a'] } },
      { redis: { mode: 'cluster', nodes: ['a'], database: 1 } },
      { redis: { nodes: ['a'], keyPrefix: '{x}' } },
      { redis: { nodes: ['a'], tls: { cert: 'x' } } },
      { url: 'redis://h:0' },
    ]
    for (const value of wrong) assert.equal(storeSchema.safeParse(value).success, false, JSON.stringify(value))
  })

  test('keeps what the URL does not say: user of its own, prefix, TLS', () => {
    const config = redisSchema.parse({ nodes: ['old'], username: 'gate', password: 'pw', keyPrefix: 'g:', tls: {} })
    const settings = redisSettings(config, 'redis+cluster://new:1')
    assert.deepEqual(settings.nodes, [{ host: 'new', port: 1 }])
    assert.equal(settings.mode, 'cluster')
    assert.equal(settings.username, 'gate')
    assert.equal(settings.password, 'pw')
    assert.equal(settings.keyPrefix, 'g:')
    assert.notEqual(settings.tls, undefined)
    assert.equal(redisSettings(redisSchema.parse({}), 'rediss://x:y@h').username, 'x')
    assert.notEqual(redisSettings(redisSchema.parse({}), 'rediss://h').tls, undefined)
    assert.equal(redisSettings(redisSchema.parse({}), 'redis://h').tls, undefined)
  })
})
