import { LOG_ENTRY } from './log-entry.ts'
import { defineScript } from './script.ts'

/** `{ sid, below which gen, until, … }`. */
export const LOAD_DENYLIST = defineScript(`
local found = {}
local entries = redis.call('ZRANGEBYSCORE', base .. ':denyx', '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES')
for i = 1, #entries, 2 do
  local below = redis.call('HGET', base .. ':deny', entries[i])
  if below then
    found[#found + 1] = entries[i]
    found[#found + 1] = below
    found[#found + 1] = entries[i + 1]
  end
end
return found
`)

/** ARGV: key. */
export const RAISE_EPOCH = defineScript(
  LOG_ENTRY,
  `
local value = redis.call('HINCRBY', base .. ':epochs', ARGV[2], 1)
log('kind', 'epoch-raised', 'key', ARGV[2], 'value', value)
return value
`,
)

/** ARGV: keys. */
export const READ_EPOCHS = defineScript(`
local found = {}
for i = 2, #ARGV do found[i - 1] = redis.call('HGET', base .. ':epochs', ARGV[i]) or '0' end
return found
`)

export const ALL_EPOCHS = defineScript(`return redis.call('HGETALL', base .. ':epochs')`)

const OUTBOX_KEPT_MS = 86_400_000

/** ARGV: limit, lease. `{ id, entry, … }`, oldest first; what nobody told within a day is given up. */
export const CLAIM_OUTBOX = defineScript(`
local function drop(id)
  redis.call('ZREM', base .. ':outx', id)
  redis.call('HDEL', base .. ':out', id)
  redis.call('HDEL', base .. ':outheld', id)
end
local old = string.format('%.0f', now - ${OUTBOX_KEPT_MS})
for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. ':outx', '-inf', old, 'LIMIT', 0, 1000)) do drop(id) end
local limit, found, from = tonumber(ARGV[2]), {}, 0
while #found < 2 * limit do
  local ids = redis.call('ZRANGE', base .. ':outx', from, from + 99)
  for _, id in ipairs(ids) do
    local held = redis.call('HGET', base .. ':outheld', id)
    if #found < 2 * limit and (not held or tonumber(held) <= now) then
      redis.call('HSET', base .. ':outheld', id, string.format('%.0f', now + tonumber(ARGV[3])))
      found[#found + 1] = id
      found[#found + 1] = redis.call('HGET', base .. ':out', id)
    end
  end
  if #ids < 100 then break end
  from = from + 100
end
return found
`)

/** ARGV: ids. */
export const DONE_OUTBOX = defineScript(`
for i = 2, #ARGV do
  redis.call('ZREM', base .. ':outx', ARGV[i])
  redis.call('HDEL', base .. ':out', ARGV[i])
  redis.call('HDEL', base .. ':outheld', ARGV[i])
end
return 1
`)

/** Writes and reads; answers the mark of the group, empty when it has none. */
export const PROBE = defineScript(`
redis.call('SET', base .. ':probe', string.format('%.0f', now))
return redis.call('GET', base .. ':life') or ''
`)

/** ARGV: the mark of the store's life. */
export const SET_LIFE = defineScript(`redis.call('SET', base .. ':life', ARGV[2]) return 1`)
