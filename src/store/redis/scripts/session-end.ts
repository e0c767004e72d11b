import { CLOCK_SKEW_MS } from '../../store.ts'
import { LOG_ENTRY } from './log-entry.ts'
import { SESSION_VALUE } from './session-value.ts'
import { defineScript } from './script.ts'

/** A gen below which every gen is. */
const EVERY_GEN = '2147483647'

/**
 * Denylist: the gens in one hash, when they may be forgotten in one sorted set. They stay a while longer: a gateway whose clock is
 * behind takes the token for live until then.
 */
export const DENYING = `
local function deny(s, below)
  for _, sid in ipairs(redis.call('ZRANGEBYSCORE', base .. ':denyx', '-inf', text(now - ${CLOCK_SKEW_MS}), 'LIMIT', 0, 100)) do
    redis.call('ZREM', base .. ':denyx', sid)
    redis.call('HDEL', base .. ':deny', sid)
  end
  redis.call('ZADD', base .. ':denyx', text(s.max), s.sid)
  redis.call('HSET', base .. ':deny', s.sid, below)
  return below .. ' ' .. text(s.max)
end
`

/** Ends one session: tokens, indexes, denylist, revocation log and outbox. */
export const ENDING = `
${SESSION_VALUE}
${LOG_ENTRY}
${DENYING}
local function finish(s, cause)
  local hashes = {}
  for _, token in ipairs(cjson.decode(s.tokens)) do
    hashes[#hashes + 1] = token[1]
    drop_token(s.sid, token[1])
  end
  local fixed = cjson.decode(s.fixed)
  redis.call('DEL', session_key(s.sid))
  redis.call('ZREM', expiry_key(s.sid), member(s.sid))
  local key, name = user_place(s.sid, fixed[1], fixed[2])
  redis.call('ZREM', key, name .. member(s.sid))
  local denied = s.kind == 's' and deny(s, '${EVERY_GEN}') or ''
  log('kind', 'session-ended', 'sid', s.sid, 'cause', cause, 'hashes', table.concat(hashes, '\\n'), 'deny', denied,
    'realm', fixed[1], 'user', fixed[2])
  redis.call('HSET', base .. ':out', s.sid, cjson.encode({ fixed[1], fixed[2], cause, now }))
  redis.call('ZADD', base .. ':outx', text(now), s.sid)
end
`

/** ARGV: sid, cause. Expired ones too: that is how the reaper ends them properly. */
export const END_SESSION = defineScript(
  ENDING,
  `
local s = load(ARGV[2])
if not s then return false end
finish(s, ARGV[3])
return s.value
`,
)
