/**
 * A session is one string of four lines: `gen lastSeenAt maxIdleMs maxExpiresAt kind`, its tokens, what never changes, what a step-up
 * changes (the last three are JSON; session-codec.ts reads and writes them). Compact, and scripts take apart only what they need.
 *
 * Tokens and users' indexes share keys of about a hundred entries, which Redis packs without a pointer: a key of its own for each would
 * cost more than what is in it. A name that two users share by chance is harmless: their sessions say whose they are.
 */
export const SESSION_VALUE = `
local function text(n) return string.format('%.0f', n) end
local function session_key(sid) return base .. ':s:' .. sid end
local function member(sid) return string.sub(sid, 6) end
local function expiry_key(sid) return base .. ':x:' .. string.sub(sid, 1, 4) end

local function token_key(sid, hash) return base .. ':t:' .. string.sub(sid, 1, 4) .. ':' .. string.sub(hash, 1, 1) end
local function has_token(sid, hash) return redis.call('HEXISTS', token_key(sid, hash), hash) == 1 end
local function add_token(sid, hash) redis.call('HSET', token_key(sid, hash), hash, member(sid)) end
local function drop_token(sid, hash) redis.call('HDEL', token_key(sid, hash), hash) end

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

local function user_place(sid, realm, user)
  local name = redis.sha1hex(realm .. '\\0' .. user)
  return base .. ':u:' .. string.sub(sid, 1, 4) .. ':' .. string.sub(name, 1, 1), string.sub(name, 2, 13)
end
local function list_user(digits, realm, user)
  local key, name = user_place(digits, realm, user)
  local found = {}
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', key, '[' .. name, '(' .. name .. '\\255')) do
    local s = load_live(digits .. '.' .. string.sub(entry, 13))
    local fixed = s and cjson.decode(s.fixed)
    if s and fixed[1] == realm and fixed[2] == user then
      s.created = fixed[4]
      found[#found + 1] = s
    end
  end
  table.sort(found, function(a, b) return a.created < b.created or (a.created == b.created and a.sid < b.sid) end)
  return found
end
`
