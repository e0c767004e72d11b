import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import type { User } from '../../identity/directory.ts'
import type { Message } from '../../identity/mail/messenger.ts'
import { emailSchema } from './message-code.schema.ts'
import { emailModule } from './message-code.ts'
import type { AuthModuleDeps, AuthModuleInput } from './module.ts'

const alice: User = { id: 'a', username: 'alice', groups: new Set(), attributes: { mail: ['alice@acme.example'] } }

test('of two answers that hold one page at once, one takes the code', async () => {
  const sent: Message[] = []
  const counts = new Map<string, number>()
  const sealed: JsonValue[] = []
  const sealer: Sealer = {
    seal: (_, value) => String(sealed.push(value) - 1),
    open: (_, text) => sealed[Number(text)],
  }
  const deps: Omit<AuthModuleDeps, 'factors'> = {
    directory: {
      realm: '/employees' as RealmName,
      checkPassword: () => Promise.resolve({ kind: 'failed', reason: 'unknown-user' }),
      find: () => alice,
    },
    throttle: { reserve: () => Promise.resolve({ kind: 'granted', settle: () => Promise.resolve() }) },
    sealer,
    loginOrigin: 'https://login.acme.example',
    counters: {
      add: (key, amount) => {
        counts.set(key, (counts.get(key) ?? 0) + amount)
        return Promise.resolve({ count: counts.get(key) ?? 0, resetsAt: 0 as EpochMs })
      },
      read: () => Promise.resolve(undefined),
      clear: () => Promise.resolve(),
    },
    messengers: {
      mail: {
        send: (message) => Promise.resolve(sent.push(message) > 0),
        probe: () => Promise.resolve(true),
        close: () => Promise.resolve(),
      },
    },
    clock: () => 0 as EpochMs,
    title: 'Acme',
  }
  const module = emailModule.compile('email', emailSchema.parse({ type: 'email' }), deps as AuthModuleDeps)
  const input = (more: Partial<AuthModuleInput>): AuthModuleInput =>
    ({
      origin: { requestId: 'r', clientIp: '192.0.2.1' },
      user: alice,
      suggestion: undefined,
      state: undefined,
      answers: undefined,
      ...more,
    }) as AuthModuleInput
  const page = await module.process(input({}))
  assert.ok(page.kind === 'ask')
  const answers = [/\b\d{8}\b/.exec(sent[0]?.text ?? '')?.[0] ?? '']
  const state = page.state
  const ends = await Promise.all([1, 2].map(() => module.process(input({ state, answers }))))
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['passed', 'again'],
  )
  const other = await module.process(input({ state, answers, user: { ...alice, id: 'b', username: 'bob' } }))
  assert.equal(other.kind, 'again', 'nobody else takes it')
})
