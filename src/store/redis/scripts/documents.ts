import { defineScript } from './script.ts'

/* A collection is one hash: id → version, a line break, value. ARGV[2] is its key within the group. */

/** ARGV: key, id, value. */
export const PUT_DOCUMENT = defineScript(`return redis.call('HSETNX', base .. ARGV[2], ARGV[3], '1\\n' .. ARGV[4])`)

/** ARGV: key, id, value, expected version. */
export const REPLACE_DOCUMENT = defineScript(`
local found = redis.call('HGET', base .. ARGV[2], ARGV[3])
if not found or string.match(found, '^%d+') ~= ARGV[5] then return 0 end
redis.call('HSET', base .. ARGV[2], ARGV[3], string.format('%.0f', ARGV[5] + 1) .. '\\n' .. ARGV[4])
return 1
`)

/** ARGV: key, id. */
export const REMOVE_DOCUMENT = defineScript(`return redis.call('HDEL', base .. ARGV[2], ARGV[3])`)

/** ARGV: key, id. */
export const GET_DOCUMENT = defineScript(`return redis.call('HGET', base .. ARGV[2], ARGV[3])`)

/** ARGV: key, cursor, about how many. The next cursor, then ids and what is stored. */
export const PAGE_DOCUMENTS = defineScript(`
local found = redis.call('HSCAN', base .. ARGV[2], ARGV[3], 'COUNT', ARGV[4])
table.insert(found[2], 1, found[1])
return found[2]
`)

/** ARGV: key. */
export const LIST_DOCUMENTS = defineScript(`return redis.call('HGETALL', base .. ARGV[2])`)
