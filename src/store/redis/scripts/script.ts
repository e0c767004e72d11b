import { hash } from 'node:crypto'

/** A Lua script that Redis runs as one step. Its one declared key is the base of its group; all it touches starts with that. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/**
 * `base` and `now` for every script. `ARGV[1]` is empty but in tests, which bring a clock of their own: the server's time decides,
 * so that processes whose clocks differ agree on what has expired.
 */
const START = `
local base = KEYS[1]
local time = redis.call('TIME')
local server = time[1] * 1000 + math.floor(time[2] / 1000)
local now = ARGV[1] ~= '' and tonumber(ARGV[1]) or server
`

export function defineScript(...parts: readonly string[]): Script {
  const lua = [START, ...parts].join('\n')
  return { lua, sha: hash('sha1', lua) }
}
