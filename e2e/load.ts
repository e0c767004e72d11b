import { Agent, request } from 'node:http'
import { WebSocket } from 'ws'

/** Where requests go and who sends them. */
export interface LoadTarget {
  readonly url: string
  readonly cookie: string
}

export interface Reply {
  readonly status: number
  readonly body: string
}

interface Asked extends LoadTarget {
  readonly agent?: Agent | false
  /** Sent in these pieces, one at a time. */
  readonly pieces?: readonly string[]
  /** The last piece is sent when this has settled. */
  readonly heldBy?: Promise<unknown>
}

const PIECE_EVERY_MS = 40

/** One request as a script sends it; rejects when the connection fails. */
export function ask({ url, cookie, agent = false, pieces, heldBy }: Asked): Promise<Reply> {
  const { host, port, pathname, search } = new URL(url)
  const headers = {
    host,
    cookie,
    accept: 'application/json',
    'sec-fetch-mode': 'cors',
    'sec-fetch-site': 'same-origin',
  }
  const method = pieces === undefined ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: pathname + search, method, headers, agent }
    const outgoing = request(options, (incoming) => {
      let body = ''
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body })).on('error', reject)
    })
    outgoing.on('error', reject)
    const left = [...(pieces ?? [])]
    const next = (): void => {
      const piece = left.shift()
      if (piece === undefined) outgoing.end()
      else if (left.length === 0 && heldBy !== undefined) void heldBy.then(() => outgoing.end(piece))
      else outgoing.write(piece, () => setTimeout(next, PIECE_EVERY_MS))
    }
    next()
  })
}

export interface Load {
  /** Requests answered with 200. */
  readonly good: number
  /** What went wrong, in words. */
  readonly bad: readonly string[]
  stop(): Promise<void>
}

/** Requests without pause: over connections that are kept, over new ones, and with bodies that take their time. */
export function startLoad(target: LoadTarget): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const state = { good: 0, bad: [] as string[], running: true }
  const repeat = async (asked: Asked): Promise<void> => {
    while (state.running) {
      const told = await ask(asked).then(
        ({ status, body }) => (status === 200 ? undefined : `${status} ${body}`),
        (error: unknown) => String(error),
      )
      if (told === undefined) state.good++
      else state.bad.push(told)
    }
  }
  const slow = { ...target, pieces: ['one', 'two', 'three', 'four', 'five'] }
  const loops = [
    ...[1, 2].map(() => repeat({ ...target, agent })),
    repeat({ ...target, url: `${target.url}?ms=60`, agent: false }),
    repeat(target),
    ...[1, 2, 3].map(() => repeat(slow)),
  ]
  return {
    get good() {
      return state.good
    },
    bad: state.bad,
    async stop() {
      state.running = false
      await Promise.all(loops)
      agent.destroy()
    },
  }
}

/** Something that stays open until one side ends it. */
export interface Open {
  /** Pieces that arrived so far. */
  readonly pieces: number
  readonly isOpen: boolean
  close(): void
}

/** An event stream; settles with its first event. */
export function openEvents({ url, cookie }: LoadTarget): Promise<Open> {
  const { host, port, pathname } = new URL(url)
  const headers = { host, cookie, accept: 'text/event-stream', 'sec-fetch-mode': 'cors' }
  const state = { pieces: 0, isOpen: false, close: () => undefined as void }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: pathname, headers, agent: false }, (incoming) => {
      if (incoming.statusCode !== 200) reject(new Error(`the event stream was answered with ${incoming.statusCode}`))
      state.isOpen = true
      incoming.on('data', () => {
        state.pieces++
        resolve(state)
      })
      incoming.on('error', () => (state.isOpen = false)).on('close', () => (state.isOpen = false))
    })
    outgoing.on('error', reject).end()
    state.close = () => void outgoing.destroy()
  })
}

/** A WebSocket that repeats what it hears for ever; settles when it was heard once. */
export function openSocket({ url, cookie }: LoadTarget): Promise<Open> {
  const { host, port, pathname, origin } = new URL(url)
  const socket = new WebSocket(`ws://127.0.0.1:${port}${pathname}`, { headers: { host, cookie, origin } })
  const state = { pieces: 0, isOpen: false, close: () => socket.terminate() }
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      state.isOpen = true
      socket.send('again')
    })
    socket.on('message', (data) => {
      state.pieces++
      resolve(state)
      setTimeout(() => socket.send(data, () => undefined), PIECE_EVERY_MS)
    })
    socket.on('close', () => (state.isOpen = false))
    socket.on('error', (error) => {
      state.isOpen = false
      reject(error)
    })
  })
}
