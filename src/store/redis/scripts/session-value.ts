/**
 * A session is one string of four lines: `gen lastSeenAt maxIdleMs maxExpiresAt kind`, its tokens, what never changes, what a step-up
 * changes (the last three are JSON; session-codec.ts reads and writes them). Compact, and scripts take apart only what they need.
 */
export const SESSION_VALUE = `
local function text(n) return string.format('%.0f', n) end
local function session_key(sid) return base .. ':s:' .. sid end
local function token_key(hash) return base .. ':t:' .. hash end
local function expiry_key(sid) return base .. ':x:' .. string.sub(sid, 1, 4) end
local function user_key(sid, realm, user) return base .. ':u:' .. string.sub(sid, 1, 4) .. ':' .. realm .. '\\0' .. user end
local function member(sid) return string.sub(sid, 6) end

local function parse(sid, value)
  local gen, seen, idle, max, kind, tokens, fixed, patch =
    string.match(value, '^(%d+) (%d+) (%d+) (%d+) (%a)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  seen, idle, max = tonumber(seen), tonumber(idle), tonumber(max)
  return { sid = sid, value = value, gen = tonumber(gen), seen = seen, idle = idle, max = max, kind = kind, tokens = tokens,
    fixed = fixed, patch = patch, ends = math.min(max, seen + idle) }
end

local function load(sid)
  local value = redis.call('GET', session_key(sid))
  return value and parse(sid, value) or nil
end

local function load_live(sid)
  local s = load(sid)
  if s and s.ends > now then return s end
  return nil
end

local function save(s)
  s.value = text(s.gen) .. ' ' .. text(s.seen) .. ' ' .. text(s.idle) .. ' ' .. text(s.max) .. ' ' .. s.kind .. '\\n'
    .. s.tokens .. '\\n' .. s.fixed .. '\\n' .. s.patch
  redis.call('SET', session_key(s.sid), s.value)
end
`
