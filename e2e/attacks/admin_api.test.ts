import assert from 'node:assert/strict'
import { isDead, noServerError, secretsNowhere, twins } from './oracles.ts'
import { byHeader, EMPLOYEES, handlesIn, isValid, JSON_TYPE, loginToken, rest, signInRoot } from './rest.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'
import type { WireAnswer } from './wire.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'] as const

const ACTIONS = [
  'isActive',
  'getTimeLeft',
  'getMaxSessionTime',
  'getMaxIdle',
  'getIdle',
  'getSessionInfo',
  'getSessionInfoAndResetIdleTime',
  'refresh',
  'getSessionProperties',
  'getPropertyNames',
  'getProperty',
  'setProperty',
  'deleteProperty',
  'updateSessionProperties',
  'logoutByHandle',
  'logoutByUser',
] as const

/** What each action would want to hear. */
const BODIES: Readonly<Record<string, string>> = {
  getProperty: '{"properties":["AuthLevel"]}',
  logoutByHandle: '{"sessionHandles":["shandle:0001.AAAAAAAAAAAAAAAA"]}',
  logoutByUser: '{"username":"alice"}',
}

const LIST = `${EMPLOYEES}?_queryFilter=${encodeURIComponent('realm eq "/employees"')}`

function handles(...list: readonly string[]): string {
  return JSON.stringify({ sessionHandles: list })
}

function endBy(rig: Rig, headers: string, body: string): Promise<WireAnswer> {
  return rest(rig, `${EMPLOYEES}?_action=logoutByHandle`, { headers: headers + JSON_TYPE, body })
}

runVectors<Vector>('admin_api', {
  only: {
    async anon(rig) {
      const bob = await rig.signIn('bob')
      for (const token of ['', `SSOTokenID: ${'A'.repeat(43)}*AgRV*\r\n`, bob.cookie('app')]) {
        const headers = `${JSON_TYPE}Accept-API-Version: protocol=1.0\r\n${token}`
        for (const action of ACTIONS) {
          const body = BODIES[action] ?? '{}'
          const answer = await rest(rig, `${EMPLOYEES}?_action=${action}`, { headers, body })
          assert.equal(answer.status, 401, `${action} ${token}`)
        }
        for (const path of [LIST, EMPLOYEES, '/json/users?_action=idFromSession', '/json/users', '/json/serverinfo/*'])
          for (const method of METHODS) {
            const answer = await rest(rig, path, { method, headers })
            noServerError(rig, answer, `${method} ${path}`)
            const isOpen = path.includes('serverinfo') && (method === 'GET' || method === 'HEAD')
            assert.equal(answer.status === 200, isOpen, `${method} ${path}: ${answer.status}`)
            assert.doesNotMatch(answer.body, /shandle|bob|alice/)
          }
      }
      assert.ok(await isValid(rig, loginToken(bob)))
    },
    async idor(rig) {
      const [bob, mallory, dave] = [
        await rig.signIn('bob'),
        await rig.signIn('mallory'),
        await rig.signIn('dave', 'club'),
      ]
      const root = await signInRoot(rig)
      const own = await handlesIn(rig, root, 'username eq "mallory" and realm eq "/employees"')
      const others = await handlesIn(rig, root, 'username eq "bob" and realm eq "/employees"')
      const customers = await handlesIn(rig, root, 'realm eq "/customers"')
      const nobody = 'shandle:0001.AAAAAAAAAAAAAAAA'
      for (const handle of [...others, ...customers, nobody, 'shandle:', '*', `${others[0] ?? ''}x`]) {
        const answer = await endBy(rig, byHeader(mallory), handles(handle))
        assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { result: { [handle]: false } }])
      }
      // Another person's token in hand is not a right to read it under one's own name, and no oracle either.
      const read = (tokenId: string): Promise<WireAnswer> => {
        const headers = byHeader(mallory) + JSON_TYPE
        return rest(rig, `${EMPLOYEES}?_action=getSessionInfo`, { headers, body: JSON.stringify({ tokenId }) })
      }
      const [live, dead] = [await read(loginToken(bob)), await read(`${'A'.repeat(43)}*AgRV*`)]
      assert.equal(live.status, 403)
      twins(rig, live, dead, 'a session that is there and one that is not')
      const endAll = (username: string): Promise<WireAnswer> => {
        const body = JSON.stringify({ username })
        return rest(rig, `${EMPLOYEES}?_action=logoutByUser`, { headers: byHeader(mallory) + JSON_TYPE, body })
      }
      const [known, unknown] = [await endAll('bob'), await endAll('nobody')]
      assert.equal(known.status, 403)
      twins(rig, known, unknown, 'a person who is there and one who is not')
      for (const filter of ['realm eq "/employees"', 'realm eq "/"', 'username eq "bob" and realm eq "/employees"']) {
        const path = `${EMPLOYEES}?_queryFilter=${encodeURIComponent(filter)}`
        assert.equal((await rest(rig, path, { method: 'GET', headers: byHeader(mallory) })).status, 403, filter)
      }
      for (const { client } of [bob, dave, mallory]) assert.ok(await isValid(rig, loginToken({ client })))
      assert.equal((await endBy(rig, byHeader(mallory), handles(...own))).status, 200)
      await isDead(rig, mallory.cookie('app'), 'one’s own')
    },
    async debug(rig) {
      const root = await signInRoot(rig)
      const paths =
        '/debug /debug/pprof /metrics /pprof /heapdump /env /openapi /explain /json/debug /json/env /actuator'
      for (const path of paths.split(' '))
        for (const headers of ['', byHeader(root)]) {
          const answer = await rest(rig, path, { method: 'GET', headers })
          rig.tally.checks++
          assert.equal(answer.status, 404, path)
        }
    },
    async 'host-confuse'(rig) {
      const [bob, root] = [await rig.signIn('bob'), await signInRoot(rig)]
      for (const host of ['app.example.com', 'pay.example.com', 'shop.other.test', 'club.example.com'])
        for (const path of [LIST, `${EMPLOYEES}?_action=validate`, '/json/serverinfo/*']) {
          const mark = rig.mark()
          const answer = await rest(rig, path, { host, method: 'GET', headers: byHeader(root) })
          rig.tally.checks++
          assert.equal(answer.status, 401, `${host}${path}: the application's, for whoever is signed in there`)
          assert.equal(rig.since(mark).length, 0)
          assert.doesNotMatch(answer.body, /shandle|cookieName/)
        }
      const app = await bob.client.call(`${ORIGINS.login}/.gatehouse/whoami`)
      assert.equal(app.status, 404)
    },
    async audit(rig) {
      const [bob, root] = [await rig.signIn('bob'), await signInRoot(rig)]
      const [handle = ''] = await handlesIn(rig, root, 'username eq "bob" and realm eq "/employees"')
      await endBy(rig, byHeader(bob), handles('shandle:0001.AAAAAAAAAAAAAAAA'))
      const mark = rig.log().length
      assert.equal((await endBy(rig, byHeader(root), handles(handle))).status, 200)
      await rig.logged()
      const events = rig
        .log()
        .slice(mark)
        .split('\n')
        .filter((line) => line.includes('"log":"audit"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      const sid = handle.replace('shandle:', '')
      rig.tally.checks++
      assert.partialDeepStrictEqual(events, [
        { event: 'SessionEnded', realm: '/employees', username: 'bob', sid, cause: 'admin' },
        {
          event: 'SessionsAdministered',
          ...{ realm: '/', username: 'root', action: 'end', outcome: 'done', count: 1 },
          target: { realm: '/employees', username: 'bob', sid },
        },
      ])
      for (const path of ['/json/audit', '/json/realms/root/audit', '/json/sessions/audit'])
        for (const method of ['GET', 'DELETE', 'PUT'])
          assert.ok([401, 404, 405].includes((await rest(rig, path, { method, headers: byHeader(root) })).status), path)
      secretsNowhere(rig, 'the audit log')
    },
  },
})
