import { TOKEN_OVERLAP } from '../../store.ts'
import { LOG_ENTRY } from './log-entry.ts'
import { defineScript } from './script.ts'
import { DENYING } from './session-end.ts'
import { SESSION_VALUE } from './session-value.ts'

/** The tokens of a session but those of one audience that are not to stay: `stays` judges them from the newest to the oldest. */
const TOKENS = `
local function without(s, audience, stays)
  local kept, gone, tokens = {}, {}, cjson.decode(s.tokens)
  for i = #tokens, 1, -1 do
    local token = tokens[i]
    if token[2] ~= audience or stays(token) then table.insert(kept, 1, token) else gone[#gone + 1] = token[1] end
  end
  for _, hash in ipairs(gone) do drop_token(s.sid, hash) end
  return kept, table.concat(gone, '\\n')
end
local function written(tokens) return #tokens == 0 and '[]' or cjson.encode(tokens) end
`

/** ARGV: sid, expected gen, what the patch changes, the new login token or empty. */
export const UPGRADE_SESSION = defineScript(
  SESSION_VALUE,
  LOG_ENTRY,
  DENYING,
  TOKENS,
  `
local s = load_live(ARGV[2])
if not s or s.gen ~= tonumber(ARGV[3]) then return false end
local token = ARGV[5] ~= '' and cjson.decode(ARGV[5]) or nil
if token and has_token(s.sid, token[1]) then return redis.error_reply('TAKEN the hash exists') end
local tokens, gone = without(s, 'login', function() return false end)
if token then
  tokens[#tokens + 1] = token
  add_token(s.sid, token[1])
end
s.gen, s.tokens, s.patch = s.gen + 1, written(tokens), ARGV[4]
save(s)
local denied = s.kind == 's' and deny(s, text(s.gen)) or ''
log('kind', 'token-replaced', 'sid', s.sid, 'cause', 'upgrade', 'hashes', gone, 'deny', denied)
return s.value
`,
)

/** ARGV: sid, token. */
export const ADD_TOKEN = defineScript(
  SESSION_VALUE,
  LOG_ENTRY,
  TOKENS,
  `
local s = load_live(ARGV[2])
if not s then return 0 end
local token = cjson.decode(ARGV[3])
if has_token(s.sid, token[1]) then return redis.error_reply('TAKEN the hash exists') end
local since, left = token[5] + token[6] - ${TOKEN_OVERLAP.withinMs}, ${TOKEN_OVERLAP.atMost - 1}
local tokens, gone = without(s, token[2], function(other)
  if left == 0 or other[3] ~= token[3] or other[5] + other[6] <= since then return false end
  left = left - 1
  return true
end)
tokens[#tokens + 1] = token
add_token(s.sid, token[1])
s.tokens = written(tokens)
save(s)
if gone ~= '' then log('kind', 'token-replaced', 'sid', s.sid, 'cause', 'handshake', 'hashes', gone, 'deny', '') end
return 1
`,
)

/** ARGV: sid, audience. */
export const REMOVE_TOKENS = defineScript(
  SESSION_VALUE,
  LOG_ENTRY,
  TOKENS,
  `
local s = load_live(ARGV[2])
if not s then return 0 end
local tokens, gone = without(s, ARGV[3], function() return false end)
if gone == '' then return 0 end
s.tokens = written(tokens)
save(s)
log('kind', 'token-replaced', 'sid', s.sid, 'cause', 'removed', 'hashes', gone, 'deny', '')
return 1
`,
)

/** ARGV: pairs of sid and time. Clamped to the server's clock; an expired session stays expired. */
export const TOUCH_SESSIONS = defineScript(
  SESSION_VALUE,
  `
for i = 2, #ARGV, 2 do
  local s = load_live(ARGV[i])
  local seen = math.min(tonumber(ARGV[i + 1]), now)
  if s and s.seen < seen then
    s.seen = seen
    save(s)
    redis.call('ZADD', expiry_key(s.sid), text(math.min(s.max, seen + s.idle)), member(s.sid))
  end
end
return 1
`,
)
