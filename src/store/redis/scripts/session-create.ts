import { defineScript } from './script.ts'
import { ENDING } from './session-end.ts'

/**
 * ARGV: sid, value, hash of the login token or empty, realm, user, quota limit or 0, quota action. Counting, making room and
 * writing are one step, so parallel logins of any number of processes never leave more than the limit.
 */
export const CREATE_SESSION = defineScript(
  ENDING,
  `
local sid, value, hash, realm, user = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit, action = tonumber(ARGV[7]), ARGV[8]
if redis.call('EXISTS', session_key(sid)) == 1 then return redis.error_reply('TAKEN the sid exists') end
if hash ~= '' and has_token(sid, hash) then return redis.error_reply('TAKEN the hash exists') end

local running = limit > 0 and list_user(string.sub(sid, 1, 4), realm, user) or {}

local reply = {}
local function answer(kind, sessions, count)
  reply[1] = kind
  for i = 1, count do
    reply[#reply + 1] = sessions[i].sid
    reply[#reply + 1] = sessions[i].value
  end
  return reply
end

local count = 0
if limit > 0 and #running >= limit then
  if action == 'DENY_ACCESS' then return answer('quota-reached', running, #running) end
  count = #running - limit + 1
  if action == 'DESTROY_OLD_SESSIONS' then count = #running end
  if action == 'DESTROY_NEXT_EXPIRING' then table.sort(running, function(a, b) return a.ends < b.ends end) end
  for i = 1, count do finish(running[i], 'quota') end
end

local s = parse(sid, value)
redis.call('SET', session_key(sid), value)
if hash ~= '' then add_token(sid, hash) end
redis.call('ZADD', expiry_key(sid), text(s.ends), member(sid))
local key, name = user_place(sid, realm, user)
redis.call('ZADD', key, 0, name .. member(sid))
return answer('created', running, count)
`,
)
