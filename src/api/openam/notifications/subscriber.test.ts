import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { EpochMs, RealmName } from '../../../base/brand.ts'
import type { Session, SessionEnding } from '../../../session/session.ts'
import type { SessionOwner } from '../../../store/store.ts'
import type { Log } from '../../../telemetry/log.ts'
import { Subscriber, type Party } from './subscriber.ts'

/** A socket whose reader is as far behind as the test says. */
class Pipe extends EventEmitter {
  bufferedAmount = 0
  readonly sent: string[] = []
  readonly closed: string[] = []

  send(text: string): void {
    this.sent.push(text)
  }

  close(code: number): void {
    this.closed.push(`closed ${code}`)
  }

  terminate(): void {
    this.closed.push('cut')
  }
}

const OWNER: SessionOwner = { realm: '/employees' as RealmName, userId: 'u-bob' }

function scene(maySee: Party['maySee'] = () => true) {
  const socket = new Pipe()
  const logged: string[] = []
  const warn = (_: object, message: string): void => void logged.push(message)
  const log: Log = { error: warn, warn, info: warn, debug: warn }
  const party: Party = {
    session: { sid: 'own' } as Session,
    maySee,
    isLive: () => Promise.resolve(true),
    listens: () => Promise.resolve(),
  }
  const subscriber = new Subscriber(socket as unknown as WebSocket, party, log)
  socket.emit('message', Buffer.from('{"action":"subscribe","topic":"/agent/session"}'), false)
  const hear = (sid: string, owner: Partial<SessionEnding> = { owner: OWNER }): void =>
    subscriber.hear({ sid, cause: 'logout', at: 0 as EpochMs, ...owner })
  const told = (): readonly (string | undefined)[] => socket.sent.map((text) => /shandle:(\w+)/.exec(text)?.[1])
  return { socket, subscriber, hear, told, logged }
}

test('a reader that is a megabyte behind is cut, and nothing more is kept for it', async () => {
  const { socket, hear, told } = scene()
  socket.bufferedAmount = 1_048_576
  hear('a')
  await turn()
  assert.deepEqual([told(), socket.closed], [[undefined, 'a'], []])
  socket.bufferedAmount++
  for (const sid of ['b', 'c']) hear(sid)
  await turn()
  assert.deepEqual([told(), socket.closed], [[undefined, 'a'], ['cut']])
})

test('events keep their order however long a permission takes, and none is told after the own session has ended', async () => {
  const asked: (() => void)[] = []
  const { socket, hear, told } = scene(() => new Promise((resolve) => asked.push(() => resolve(true))))
  for (const sid of ['a', 'b', 'c']) hear(sid)
  await turn()
  assert.equal(asked.length, 1)
  asked[0]?.()
  await turn()
  hear('own')
  asked[1]?.()
  await turn()
  hear('d')
  await turn()
  assert.deepEqual([told(), socket.closed], [[undefined, 'a', 'own'], ['closed 1008']])
})

test('what cannot be looked up is not told; the client has to come back, since it missed something', async () => {
  const { socket, hear, told, logged } = scene(() => Promise.reject(new Error('no directory')))
  hear('a')
  await turn()
  assert.deepEqual([told(), socket.closed, logged.length], [[undefined], ['closed 1011'], 1])
})

test('an end without an owner is told to nobody but the session itself', async () => {
  const { hear, told } = scene()
  hear('a', {})
  await turn()
  hear('own', {})
  assert.deepEqual(told(), [undefined, 'own'])
})

test('who has ten thousand events waiting is sent away instead of being kept waiting', async () => {
  const { socket, hear } = scene(() => new Promise(() => undefined))
  for (let n = 0; n <= 10_000; n++) hear(`s${n}`)
  assert.deepEqual(socket.closed, ['closed 1012'])
  await turn()
})
