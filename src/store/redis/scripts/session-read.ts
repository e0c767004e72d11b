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
 * ARGV: first bucket, last bucket, member to start after in the first one, limit, realm or empty. One call looks at a bounded number of
 * sessions and names where the next one goes on: `{ bucket or -1, member, sid, value, … }`.
 */
export const LIST_SESSIONS = defineScript(
  SESSION_VALUE,
  `
local bucket, last, after, limit, realm = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
local found, looked = { -1, '' }, 0
while bucket <= last do
  local digits = string.format('%04d', bucket)
  local members = redis.call('ZRANGE', base .. ':x:' .. digits, 0, -1)
  table.sort(members)
  for _, name in ipairs(members) do
    if name > after then
      if looked >= 2000 or (#found - 2) / 2 >= limit then
        found[1], found[2] = bucket, after
        return found
      end
      looked, after = looked + 1, name
      local s = load_live(digits .. '.' .. name)
      if s and (realm == '' or cjson.decode(s.fixed)[1] == realm) then
        found[#found + 1] = s.sid
        found[#found + 1] = s.value
      end
    end
  end
  bucket, after = bucket + 1, ''
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
