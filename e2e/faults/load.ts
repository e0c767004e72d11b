import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { SignIn } from './sign-in.ts'

/** The promise is one second; the rest is for a machine that does other things, too. */
const BOUND_MS = 1_300
const EVERY_MS = 700
const END_EVERY_MS = 250

/** Everything that was answered, by what it means. */
export interface Counts {
  passed: number
  /** 503 with Retry-After. */
  unavailable: number
  /** Of a session that had been ended. */
  refused: number
  /** Connections that broke while a gateway was being replaced. */
  broken: number
  signedOut: number
  signedIn: number
}

interface Person {
  readonly username: string
  token: string
  /** When the answer to the logout came; while one is under way nobody can say. */
  ended: number | 'perhaps' | undefined
}

export interface People {
  readonly counts: Counts
  /** What must never happen, in words. */
  readonly wrongs: readonly string[]
  /** No logouts while this is set. */
  quiet: boolean
  /** A gateway is being replaced: connections may break. */
  replacing: boolean
  /** Stops the load; then asks once for everybody who was not signed out. How many sessions are lost. */
  stop(): Promise<readonly string[]>
}

export interface PeopleDeps {
  readonly usernames: readonly string[]
  readonly ports: readonly number[]
  readonly signIn: SignIn
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
}

export async function startPeople({ usernames, ports, signIn }: PeopleDeps): Promise<People> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const counts: Counts = { passed: 0, unavailable: 0, refused: 0, broken: 0, signedOut: 0, signedIn: 0 }
  const wrongs: string[] = []
  const flags = { quiet: false, replacing: false, over: false }
  const people: Person[] = []
  let turn = 0

  const ask = (token: string, path = '/', method = 'GET'): Promise<Answer> => {
    const port = ports[turn++ % ports.length] ?? 0
    const host = `app.acme.test:${port}`
    const headers = {
      ...{ host, cookie: `SSOTokenID=${token}`, accept: 'text/html', 'sec-fetch-mode': 'navigate' },
      ...(method === 'POST'
        ? { origin: `http://${host}`, 'sec-fetch-site': 'same-origin', 'content-length': '0' }
        : {}),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (incoming) => {
        incoming.resume().on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers }))
        incoming.on('error', reject)
      })
      outgoing.on('error', reject).end()
    })
  }
  const noteFailure = (error: unknown): void => {
    if (flags.replacing) counts.broken++
    else wrongs.push(String(error))
  }
  const judge = (person: Person, askedAt: number, { status, headers }: Answer): void => {
    const { ended } = person
    const isValid = ended === undefined
    const isClearing = (headers['set-cookie'] ?? []).some((line) => /^SSOTokenID=.*(Max-Age=0|1970)/i.test(line))
    if (isValid && isClearing) wrongs.push('a cookie of a valid session was cleared')
    if (status === 503 && /^\d+$/.test(headers['retry-after'] ?? '')) counts.unavailable++
    else if (status === 200) {
      counts.passed++
      if (typeof ended === 'number' && askedAt - ended > BOUND_MS) wrongs.push('a session passed after its end')
    } else if (status === 302) {
      if (isValid) wrongs.push('a valid session was sent to the login')
      else counts.refused++
    } else wrongs.push(`an answer of ${status}`)
  }
  const live = async (person: Person, delay: number): Promise<void> => {
    await pause(delay)
    while (!flags.over) {
      const [askedAt, token] = [performance.now(), person.token]
      try {
        const answer = await ask(token)
        if (token === person.token) judge(person, askedAt, answer)
      } catch (error) {
        noteFailure(error)
      }
      await pause(EVERY_MS)
    }
  }
  /** Ends one, watches a while what is made of its token, and signs the person in again, for as long as it takes. */
  const endOne = async (person: Person): Promise<void> => {
    person.ended = 'perhaps'
    try {
      const { status } = await ask(person.token, '/.gatehouse/logout', 'POST')
      if (status !== 303 && status !== 503) wrongs.push(`a logout was answered with ${status}`)
      if (status === 303) {
        person.ended = performance.now()
        counts.signedOut++
      }
    } catch (error) {
      noteFailure(error)
    }
    await pause(3 * EVERY_MS)
    await signInAgain(person)
  }
  const signInAgain = async (person: Person): Promise<void> => {
    for (;;) {
      try {
        person.token = await signIn(person.username)
        person.ended = undefined
        counts.signedIn++
        return
      } catch {
        await pause(100)
      }
    }
  }
  const ending: Promise<void>[] = []
  const endSome = async (): Promise<void> => {
    for (let i = 0; !flags.over; i++) {
      await pause(END_EVERY_MS)
      const person = people[i % people.length]
      if (person?.ended === undefined && person !== undefined && !flags.quiet) ending.push(endOne(person))
    }
  }

  for (const username of usernames) people.push({ username, token: await signIn(username), ended: undefined })
  const loops = [...people.map((person, i) => live(person, (EVERY_MS * i) / people.length)), endSome()]
  return Object.assign(flags, {
    counts,
    wrongs,
    async stop() {
      flags.over = true
      await Promise.all(loops)
      await Promise.all(ending)
      const lost: string[] = []
      for (const { username, token } of people) {
        const { status } = await ask(token)
        if (status !== 200) lost.push(`${username}: ${status}`)
      }
      agent.destroy()
      return lost
    },
  })
}
