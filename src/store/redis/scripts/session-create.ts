import { defineScript } from './script.ts'
import { ENDING } from './session-end.ts'

/**
 * ARGV: sid, value, hash of the login token or empty, realm, user, createdAt, quota limit or 0, quota action. Counting, making room and
 * writing are one step, so parallel logins of any number of processes never leave more than the limit.
 */
export const CREATE_SESSION = defineScript(
  ENDING,
  `
local sid, value, hash, realm, user = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit, action = tonumber(ARGV[8]), ARGV[9]
if redis.call('EXISTS', session_key(sid)) == 1 then return redis.error_reply('TAKEN the sid exists') end
if hash ~= '' and redis.call('EXISTS', token_key(hash)) == 1 then return redis.error_reply('TAKEN the hash exists') end

local running = {}
if limit > 0 then
  for _, other in ipairs(redis.call('ZRANGE', user_key(sid, realm, user), 0, -1)) do
    local s = load_live(string.sub(sid, 1, 5) .. other)
    if s then running[#running + 1] = s end
  end
end

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
if hash ~= '' then redis.call('SET', token_key(hash), sid) end
redis.call('ZADD', expiry_key(sid), text(s.ends), member(sid))
redis.call('ZADD', user_key(sid, realm, user), ARGV[7], member(sid))
return answer('created', running, count)
`,
)
