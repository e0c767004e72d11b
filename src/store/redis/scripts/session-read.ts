import { defineScript } from './script.ts'
import { SESSION_VALUE } from './session-value.ts'

/** ARGV: hash, the digits a sid of the bucket starts with. */
export const RESOLVE_TOKEN = defineScript(`
local name = redis.call('HGET', base .. ':t:' .. ARGV[3] .. ':' .. string.sub(ARGV[2], 1, 1), ARGV[2])
if not name then return false end
local sid = ARGV[3] .. '.' .. name
local value = redis.call('GET', base .. ':s:' .. sid)
if not value then return false end
local seen, idle, max = string.match(value, '^%d+ (%d+) (%d+) (%d+) ')
if math.min(tonumber(max), seen + idle) <= now then return false end
return { sid, value }
`)

/** ARGV: sid. */
export const FIND_SESSION = defineScript(
  SESSION_VALUE,
  `
local s = load_live(ARGV[2])
return s and s.value or false
`,
)

/** ARGV: the digits a sid of the bucket starts with, realm, user. Oldest first. */
export const SESSIONS_OF_USER = defineScript(
  SESSION_VALUE,
  `
local found = {}
for _, s in ipairs(list_user(ARGV[2], ARGV[3], ARGV[4])) do
  found[#found + 1] = s.sid
  found[#found + 1] = s.value
end
return found
`,
)

/**
 * ARGV: first bucket, last bucket, when the sessions to begin with end in the first one, how many. `{ sid, when it ends, … }`: bucket by
 * bucket, in each by that moment. Use only ever moves a session towards the end.
 */
export const NAME_SESSIONS = defineScript(`
local from, left, found = ARGV[4], tonumber(ARGV[5]), {}
for bucket = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local digits = string.format('%04d', bucket)
  local entries = redis.call('ZRANGEBYSCORE', base .. ':x:' .. digits, from, '+inf', 'WITHSCORES', 'LIMIT', 0, left)
  for i = 1, #entries, 2 do
    found[#found + 1] = digits .. '.' .. entries[i]
    found[#found + 1] = entries[i + 1]
  end
  left, from = left - #entries / 2, '-inf'
  if left == 0 then break end
end
return found
`)

/** ARGV: realm or empty, sids. `{ sid, value, … }` of those that are live. */
export const LOAD_SESSIONS = defineScript(
  SESSION_VALUE,
  `
local found = {}
for i = 3, #ARGV do
  local s = load_live(ARGV[i])
  if s and (ARGV[2] == '' or cjson.decode(s.fixed)[1] == ARGV[2]) then
    found[#found + 1] = s.sid
    found[#found + 1] = s.value
  end
end
return found
`,
)

/** ARGV: first bucket, last bucket, limit. `{ sid, when it ended, cause, … }`, oldest first. */
export const EXPIRED_SESSIONS = defineScript(
  SESSION_VALUE,
  `
local limit, due = tonumber(ARGV[4]), {}
for bucket = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local digits = string.format('%04d', bucket)
  local found = redis.call('ZRANGEBYSCORE', base .. ':x:' .. digits, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, limit)
  for i = 1, #found, 2 do due[#due + 1] = { digits .. '.' .. found[i], tonumber(found[i + 1]) } end
end
table.sort(due, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
local reply = {}
for i = 1, math.min(limit, #due) do
  local s = load(due[i][1])
  if s then
    reply[#reply + 1] = s.sid
    reply[#reply + 1] = text(s.ends)
    reply[#reply + 1] = s.ends == s.max and 'max-life' or 'idle'
  else
    redis.call('ZREM', expiry_key(due[i][1]), member(due[i][1]))
  end
end
return reply
`,
)
