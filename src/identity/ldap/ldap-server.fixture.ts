import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { BerReader, BerWriter } from 'ldapts'
import { dnKey, isBelow } from './distinguished-name.ts'
import { matches } from './ldap-filter.fixture.ts'

export interface FixtureEntry {
  readonly dn: string
  readonly password?: string
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>
}

export interface FixtureAnswer {
  readonly code: number
  readonly message?: string
  /** Value of the password policy's control. */
  readonly policy?: {
    readonly error?: number
    readonly graceAuthNsRemaining?: number
    readonly timeBeforeExpiration?: number
  }
}

export interface FixtureOptions {
  readonly entries: readonly FixtureEntry[]
  /** A certificate: TLS from the first byte, or after StartTLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly mode: 'ldaps' | 'startTLS' }
  /** Answers a bind otherwise than by its password; `undefined`: as usual. `hang`: never. */
  readonly onBind?: (dn: string, password: string) => FixtureAnswer | 'hang' | undefined
  /** Answers a change of a password otherwise than by making it. */
  readonly onChange?: (next: string) => FixtureAnswer | undefined
  /** Answers a search otherwise than by the entries. */
  readonly onSearch?: (bytes: Buffer) => FixtureAnswer | 'hang' | undefined
  /** 0: a free one. */
  readonly port?: number
}

/** What a server was told, in order. */
export type Heard =
  | {
      readonly kind: 'bind'
      readonly dn: string
      readonly password: string
      readonly encrypted: boolean
      readonly connection: number
    }
  | { readonly kind: 'search'; readonly filter: Buffer; readonly as: string; readonly connection: number }
  | {
      readonly kind: 'change'
      readonly as: string
      readonly old: string
      readonly next: string
      readonly connection: number
    }
  | { readonly kind: 'startTLS' }

export interface FixtureServer {
  readonly port: number
  readonly heard: Heard[]
  entries: readonly FixtureEntry[]
  options: Omit<FixtureOptions, 'entries'>
  connections(): number
  /** Ends connections, not the server. */
  drop(): void
  close(): Promise<void>
}

/** A small LDAP server that answers what a test wants: searches by equality, presence, and, or, not, simple binds, Password Modify, StartTLS. */
export async function startLdapServer(options: FixtureOptions): Promise<FixtureServer> {
  const sockets = new Set<Socket>()
  const { tls } = options
  let count = 0
  const onConnection = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined)
    serve(socket, { server, connection: ++count })
  }
  const listener = tls?.mode === 'ldaps' ? createTlsServer(tls, onConnection) : createServer(onConnection)
  listener.on('tlsClientError', () => undefined)
  listener.listen(options.port ?? 0, '127.0.0.1')
  await once(listener, 'listening')
  const server: FixtureServer = {
    port: (listener.address() as AddressInfo).port,
    heard: [],
    entries: options.entries,
    options,
    connections: () => sockets.size,
    drop: () => sockets.forEach((socket) => socket.destroy()),
    async close() {
      if (!listener.listening) return
      const closed = once(listener, 'close')
      listener.close()
      server.drop()
      await closed
    },
  }
  return server
}

interface Conversation {
  readonly server: FixtureServer
  readonly connection: number
}

const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1'
const OPERATION = { bind: 0x60, unbind: 0x42, search: 0x63, extended: 0x77 } as const

function serve(socket: Socket, { server, connection }: Conversation): void {
  let pending = Buffer.alloc(0)
  let boundAs = ''
  const answers = {
    bind(id: number, reader: BerReader): void {
      reader.readInt()
      const dn = reader.readString() ?? ''
      const password = reader.readString(0x80) ?? ''
      server.heard.push({ kind: 'bind', dn, password, encrypted: socket instanceof TLSSocket, connection })
      const answer = server.options.onBind?.(dn, password) ?? bindAnswer(server.entries, dn, password)
      if (answer === 'hang') return
      boundAs = answer.code === 0 ? dn : ''
      socket.write(response(id, 0x61, answer))
    },
    search(id: number, reader: BerReader): void {
      const base = reader.readString() ?? ''
      const scope = reader.readEnumeration() ?? 0
      for (const read of ['readEnumeration', 'readInt', 'readInt', 'readBoolean'] as const) reader[read]()
      const filter = reader.remainingBuffer
      server.heard.push({ kind: 'search', filter, as: boundAs, connection })
      const answer = server.options.onSearch?.(filter)
      if (answer === 'hang') return
      if (answer === undefined) {
        for (const entry of server.entries.filter(({ dn }) => inScope(dn, base, scope))) {
          if (matches(filter, entry)) socket.write(entryMessage(id, entry))
        }
      }
      socket.write(response(id, 0x65, answer ?? { code: 0 }))
    },
    extended(id: number, reader: BerReader): void {
      if (reader.readString(0x80) === PASSWORD_MODIFY) {
        reader.readString(0x81, true)
        reader.offset -= reader.length
        reader.readSequence()
        const [old, next] = [reader.readString(0x81) ?? '', reader.readString(0x82) ?? '']
        server.heard.push({ kind: 'change', as: boundAs, old, next, connection })
        const answer = server.options.onChange?.(next) ?? change(server, boundAs, { old, next })
        return void socket.write(response(id, 0x78, answer))
      }
      server.heard.push({ kind: 'startTLS' })
      const { tls } = server.options
      if (tls?.mode !== 'startTLS') return void socket.write(response(id, 0x78, { code: 2, message: 'no TLS here' }))
      socket.removeAllListeners('data')
      socket.write(response(id, 0x78, { code: 0 }))
      const encrypted = new TLSSocket(socket, { isServer: true, cert: tls.cert, key: tls.key })
      encrypted.on('error', () => undefined)
      serve(encrypted, { server, connection })
    },
  }
  socket.on('data', (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes])
    for (;;) {
      const reader = new BerReader(pending)
      if (reader.readSequence() === null || reader.remain < reader.length) return
      const rest = pending.subarray(reader.offset + reader.length)
      reader.setBufferSize(reader.offset + reader.length)
      pending = rest
      const id = reader.readInt() ?? 0
      const operation = reader.readSequence()
      if (operation === OPERATION.bind) answers.bind(id, reader)
      else if (operation === OPERATION.search) answers.search(id, reader)
      else if (operation === OPERATION.extended) answers.extended(id, reader)
      else socket.end()
    }
  })
}

function bindAnswer(entries: readonly FixtureEntry[], dn: string, password: string): FixtureAnswer {
  // As some servers do: without a password anybody is let in, as nobody.
  if (password === '') return { code: 0 }
  const entry = entries.find((each) => dnKey(each.dn) === dnKey(dn))
  return { code: entry?.password === password ? 0 : 49 }
}

function change(
  server: FixtureServer,
  dn: string,
  { old, next }: { readonly old: string; readonly next: string },
): FixtureAnswer {
  if (!server.entries.some((entry) => entry.dn === dn && entry.password === old)) return { code: 53 }
  server.entries = server.entries.map((entry) => (entry.dn === dn ? { ...entry, password: next } : entry))
  return { code: 0 }
}

function inScope(dn: string, base: string, scope: number): boolean {
  if (scope === 0) return dnKey(dn) === dnKey(base)
  return isBelow(dn, base) || (scope === 2 && dnKey(dn) === dnKey(base))
}

function response(id: number, operation: number, { code, message = '', policy }: FixtureAnswer): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(operation)
  writer.writeEnumeration(code)
  writer.writeString('')
  writer.writeString(message)
  writer.endSequence()
  if (policy !== undefined) {
    writer.startSequence(0xa0)
    writer.startSequence()
    writer.writeString('1.3.6.1.4.1.42.2.27.8.5.1')
    writer.writeBuffer(policyValue(policy), 0x04)
    writer.endSequence()
    writer.endSequence()
  }
  writer.endSequence()
  return writer.buffer
}

function policyValue({
  error,
  graceAuthNsRemaining,
  timeBeforeExpiration,
}: NonNullable<FixtureAnswer['policy']>): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  const warning = timeBeforeExpiration ?? graceAuthNsRemaining
  if (warning !== undefined) {
    writer.startSequence(0xa0)
    writer.writeInt(warning, timeBeforeExpiration === undefined ? 0x81 : 0x80)
    writer.endSequence()
  }
  if (error !== undefined) writer.writeEnumeration(error, 0x81)
  writer.endSequence()
  return writer.buffer
}

function entryMessage(id: number, { dn, attributes }: FixtureEntry): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(0x64)
  writer.writeString(dn)
  writer.startSequence()
  for (const [name, values] of Object.entries(attributes)) {
    writer.startSequence()
    writer.writeString(name)
    writer.startSequence(0x31)
    for (const value of values) writer.writeBuffer(Buffer.from(value), 0x04)
    writer.endSequence()
    writer.endSequence()
  }
  writer.endSequence()
  writer.endSequence()
  writer.endSequence()
  return writer.buffer
}
