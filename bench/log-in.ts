import { Agent, request } from 'undici'
import { LOGIN_HOST, REALM } from './configuration.ts'

/** What came of a stretch of logins. */
export interface Logins {
  readonly done: number
  /** Answers that were none: 503 where too many wait. */
  readonly refused: number
  readonly milliseconds: number
}

export interface LoginLoad {
  readonly port: number
  readonly password: string
  /** Names of users, in turns. */
  readonly nextName: () => string
  /** Browsers at once. */
  readonly atOnce: number
  /** True when no further login may begin. */
  readonly isOver: () => boolean
}

/** Browsers that sign in over the pages, one login after the other, each time as a browser that was never seen. */
export async function logIn({ port, password, nextName, atOnce, isOver }: LoginLoad): Promise<Logins> {
  const dispatcher = new Agent({ connections: atOnce, pipelining: 1 })
  const url = `http://127.0.0.1:${port}/login${REALM}`
  const host = { host: LOGIN_HOST }
  const one = async (): Promise<boolean> => {
    const shown = await request(url, { dispatcher, headers: host })
    const page = await shown.body.text()
    if (shown.statusCode === 503) return false
    const authId = /name="authId" value="([^"]+)"/.exec(page)?.[1]
    const cookies = [shown.headers['set-cookie'] ?? []].flat().map((text) => text.split(';')[0])
    if (authId === undefined) throw new Error(`the login page was answered with ${shown.statusCode}`)
    const answered = await request(url, {
      dispatcher,
      method: 'POST',
      headers: {
        ...host,
        origin: `http://${LOGIN_HOST}`,
        cookie: cookies.join('; '),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ authId, IDToken1: nextName(), IDToken2: password }).toString(),
    })
    const text = await answered.body.text()
    if (answered.statusCode === 303) return true
    if (answered.statusCode === 503) return false
    throw new Error(
      `a login was answered with ${answered.statusCode}: ${/role="alert"[^]*?<span>(.*?)</.exec(text)?.[1] ?? ''}`,
    )
  }
  const start = performance.now()
  let [done, refused] = [0, 0]
  const browse = async (): Promise<void> => {
    while (!isOver()) {
      if (await one()) done++
      else refused++
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, browse))
    return { done, refused, milliseconds: performance.now() - start }
  } finally {
    await dispatcher.close()
  }
}
