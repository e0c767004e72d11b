import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '../certificates.ts'
import { startEchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, startOwnRig } from '../own-rig.ts'

/** A gateway that speaks TLS itself, with two sites under two certificates. */
export interface TlsRig {
  readonly port: number
  /** `host:port` of a site as browsers write it. */
  host(name: 'app' | 'other' | 'login'): string
  /** Requests the applications have seen. */
  seen(): number
  rssBytes(): number
  /** The status of one GET under one TLS name with any Host; 0 where there is no answer. */
  status(servername: string, host: string, path?: string, lines?: string): Promise<number>
  running(): boolean
  stop(): Promise<void>
}

const TLS = `tls: { certificates: [{ cert: '\${file:tls/a.crt}', key: '\${file:tls/a.key}' }, { cert: '\${file:tls/b.crt}', key: '\${file:tls/b.key}' }] }`

export async function startTlsRig(): Promise<TlsRig> {
  const authority = createAuthority('Attacked authority')
  const app = await startEchoApp()
  const secure = (yaml: string): string =>
    yaml
      .replaceAll('http://login.', 'https://login.')
      .replaceAll('url: http:', 'url: https:')
      .replace(/listeners: .*/, `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}', ${TLS} }]`)
  const open = 'ssoOnly: true\nnotEnforced: [{ path: /open/* }]\n'
  const [first, second] = [authority.issue('a', ['app.acme.test']), authority.issue('b', ['other.acme.test'])]
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': secure(gatehouseYaml()),
      'agent-config/app.yaml': secure(agentYaml('app', app.url, open)),
      'agent-config/other.yaml': secure(agentYaml('other', app.url, open)),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': '',
      'tls/a.crt': first.cert,
      'tls/a.key': first.key,
      'tls/b.crt': second.cert,
      'tls/b.key': second.key,
    },
  })
  let ended = false
  void rig.ended.then(() => (ended = true))
  return {
    port: rig.port,
    host: (name) => `${name}.acme.test:${rig.port}`,
    seen: () => app.seen.length,
    rssBytes: () => 1_024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.pid}/status`, 'utf8'))?.[1]),
    status: (servername, host, path = '/', lines = '') =>
      new Promise((resolve) => {
        const socket = connectTls({
          ...{ host: '127.0.0.1', port: rig.port, ca: authority.cert, servername },
          // Attackers ask for names that no certificate has.
          checkServerIdentity: () => undefined,
        })
        const done = (status: number): void => {
          resolve(status)
          socket.destroy()
        }
        socket.setEncoding('latin1').once('data', (text: string) => done(Number(text.slice(9, 12))))
        socket.once('error', () => done(0)).once('close', () => done(0))
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`)
      }),
    running: () => !ended,
    async stop() {
      await rig.stop()
      await app.close()
      authority.remove()
    },
  }
}
