import { defineScript } from './script.ts'

/*
 * Values that end carry the moment in their first line, and the server's own expiry comes a little later: it only gives the space back,
 * the scripts decide. ARGV[2] is the key within the group everywhere.
 */
const RECORD = `
local key = base .. ARGV[2]
local function load()
  local value = redis.call('GET', key)
  if not value then return nil end
  local ends, count, rest = string.match(value, '^(%d+) (%-?%d+)\\n(.*)$')
  if tonumber(ends) <= now then return nil end
  return { ends = tonumber(ends), count = tonumber(count), rest = rest }
end
local function save(ends, count, rest)
  local value = string.format('%.0f %.0f', ends, count) .. '\\n' .. rest
  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(ends - now, 0) + 10000))
end
`

/** ARGV: key, value, ttl. Also how a versioned record begins. */
export const PUT_RECORD = defineScript(
  RECORD,
  `
if load() then return 0 end
save(now + tonumber(ARGV[4]), 1, ARGV[3])
return 1
`,
)

/** ARGV: key. */
export const TAKE_RECORD = defineScript(
  RECORD,
  `
local record = load()
redis.call('DEL', key)
return record and record.rest or false
`,
)

/** ARGV: key. `{ when it ends, version or count, value }`. */
export const LOAD_RECORD = defineScript(
  RECORD,
  `
local record = load()
if not record then return false end
return { string.format('%.0f', record.ends), string.format('%.0f', record.count), record.rest }
`,
)

/** ARGV: key, value, ttl, expected version. */
export const REPLACE_RECORD = defineScript(
  RECORD,
  `
local record = load()
if not record or record.count ~= tonumber(ARGV[5]) then return 0 end
save(now + tonumber(ARGV[4]), record.count + 1, ARGV[3])
return 1
`,
)

/** ARGV: key, amount, window. */
export const ADD_COUNT = defineScript(
  RECORD,
  `
local record = load() or { ends = now + tonumber(ARGV[4]), count = 0 }
local count = record.count + tonumber(ARGV[3])
save(record.ends, count, '')
return { string.format('%.0f', record.ends), string.format('%.0f', count) }
`,
)

/** ARGV: key, owner, ttl. */
export const ACQUIRE_LEASE = defineScript(
  RECORD,
  `
local record = load()
if record and record.rest ~= ARGV[3] then return 0 end
save(now + tonumber(ARGV[4]), 1, ARGV[3])
return 1
`,
)

/** ARGV: key, owner. */
export const RELEASE_LEASE = defineScript(
  RECORD,
  `
local record = load()
if record and record.rest == ARGV[3] then redis.call('DEL', key) end
return 1
`,
)

/** ARGV: key. */
export const REMOVE_RECORD = defineScript(`redis.call('DEL', base .. ARGV[2]) return 1`)
