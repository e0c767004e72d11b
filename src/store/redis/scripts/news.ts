import { CLOCK_SKEW_MS } from '../../store.ts'
import { LOG_ENTRY } from './log-entry.ts'
import { defineScript } from './script.ts'

/**
 * ARGV: when the entries to begin with may be forgotten, or empty for the first; how many. `{ sid, below which gen, until, … }`. Entries
 * stay for gateways whose clocks are behind.
 */
export const LOAD_DENYLIST = defineScript(`
local from = ARGV[2] ~= '' and ARGV[2] or '(' .. string.format('%.0f', now - ${CLOCK_SKEW_MS})
local found = {}
local entries = redis.call('ZRANGEBYSCORE', base .. ':denyx', from, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #entries, 2 do
  found[#found + 1] = entries[i]
  found[#found + 1] = redis.call('HGET', base .. ':deny', entries[i]) or '0'
  found[#found + 1] = entries[i + 1]
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

/** ARGV: cursor, about how many. The next cursor, then keys and values. */
export const PAGE_EPOCHS = defineScript(`
local found = redis.call('HSCAN', base .. ':epochs', ARGV[2], 'COUNT', ARGV[3])
table.insert(found[2], 1, found[1])
return found[2]
`)

const OUTBOX_KEPT_MS = 86_400_000

/**
 * ARGV: limit, lease. `{ how many were looked at, id, entry, … }`, those first that wait longest; what nobody told within a day is given
 * up. An entry's score is when it may be claimed, so what others hold is not even looked at.
 */
export const CLAIM_OUTBOX = defineScript(`
local old, held = now - ${OUTBOX_KEPT_MS}, string.format('%.0f', now + tonumber(ARGV[3]))
local ids = redis.call('ZRANGEBYSCORE', base .. ':outx', '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[2])
local found = { #ids }
for _, id in ipairs(ids) do
  local entry = redis.call('HGET', base .. ':out', id)
  if entry and cjson.decode(entry)[4] > old then
    redis.call('ZADD', base .. ':outx', held, id)
    found[#found + 1] = id
    found[#found + 1] = entry
  else
    redis.call('ZREM', base .. ':outx', id)
    redis.call('HDEL', base .. ':out', id)
  end
end
return found
`)

/** ARGV: ids. */
export const DONE_OUTBOX = defineScript(`
for i = 2, #ARGV do
  redis.call('ZREM', base .. ':outx', ARGV[i])
  redis.call('HDEL', base .. ':out', ARGV[i])
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
