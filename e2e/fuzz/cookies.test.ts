import assert from 'node:assert/strict'
import { TOKEN_COOKIE, type SignedIn } from '../attacks/rig.ts'
import { mutate, splice } from './mutate.ts'
import { fuzzInput, vectors, wellAnswered } from './run.ts'
import type { Choices } from './seed.ts'

interface CookieVector {
  readonly cookie?: string
  readonly h?: readonly (readonly [string, string])[]
}

const SEEDS = (vectors('cookie') as readonly CookieVector[]).flatMap(({ cookie, h = [] }) => [
  ...(cookie === undefined ? [] : [cookie]),
  ...h.map(([, value]) => value),
])

/** Its value, where RFC 6265 §5.4 has its name (padded or not), or as the value of a cookie without a name. */
const OWN_COOKIE = new RegExp(`(?<=[:;]\\s*=?\\s*${TOKEN_COOKIE}\\s*=)[^*;\\s]*`, 'g')

const OTHERS = ['theme=dark', 'a=', '=b', ';', '$Version=1', 'gatehouse-handshake=x', '__Host-gatehouse-handshake=y']

function tokenOf({ client }: SignedIn, host: string): string {
  return client.cookie(host, TOKEN_COOKIE) ?? ''
}

/** A `Cookie` header's value around the token, which may be whole, changed or missing. */
function headerFrom(token: string, choices: Choices): string {
  const own = `${TOKEN_COOKIE}=${choices.chance(0.4) ? mutate(token, choices) : token}`
  const base = choices
    .pick([...SEEDS, own, own, own])
    .replace(/(?<![\w-])(?:__Host-)?sid(?=\s*=)/g, TOKEN_COOKIE)
    .replace(/VALID|VICTIM/g, token)
  const others = choices.some(4, () => `; ${choices.pick(OTHERS)}`)
  const line = choices.chance(0.5) ? base + others : `${others.slice(2)}; ${base}`
  if (choices.chance(0.1)) return splice(line, own, choices)
  return choices.chance(0.6) ? mutate(line, choices) : line
}

const SITES = ['app', 'app', 'app', 'login', 'shop', 'pay'] as const
const HOST_OF = {
  app: 'app.example.com',
  login: 'gw.example.com',
  shop: 'shop.other.test',
  pay: 'pay.example.com',
} as const

/**
 * Numbers of the requests that may reach the application. One that is broken off behind a good beginning may do so after its answer,
 * so each bears its number.
 */
const mayPass = new Set<string>()
let count = 0

fuzzInput('cookies', async ({ rig, bob }, choices) => {
  const site = choices.pick(SITES)
  const from = choices.chance(0.8) ? 'app.example.com' : 'gw.example.com'
  const token = tokenOf(bob, from)
  // What the store knows is the hash of the characters before the first star: whoever did not send those has no session.
  const secret = token.split('*', 1)[0] ?? token
  const lines = Array.from({ length: choices.chance(0.85) ? 1 : 2 }, () => `Cookie: ${headerFrom(token, choices)}\r\n`)
  const target = `/me?${count++}`
  const bytes = `GET ${target} HTTP/1.1\r\nHost: ${HOST_OF[site]}\r\n${lines.join('')}Connection: close\r\n\r\n`
  const about = JSON.stringify(bytes)
  // A line break in the middle of a header may make it another request altogether; a session it never makes.
  if (site === 'app' && from === 'app.example.com' && bytes.includes(secret)) mayPass.add(target)
  const mark = rig.mark()
  const answer = await rig.ask(bytes)
  wellAnswered(rig, answer, about)
  for (const { target: seen, raw } of rig.since(mark)) {
    assert.ok(mayPass.has(seen), `${about}: the application was asked ${raw}`)
    assert.match(raw, /^x-remote-user: bob\r$/im, about)
    // Under its own name, that is: whoever knows a token may put it into any other cookie, and only the sender does.
    assert.ok(!raw.match(OWN_COOKIE)?.includes(secret), `${about}: the application was told the token`)
  }
})
