/** Entries stay at least this long; a process that slept longer has forgotten all it knew when it wakes. */
export const LOG_KEPT_MS = 600_000

/** Writing to the group's revocation log: what `revocation-entry.ts` reads. */
export const LOG_ENTRY = `
local function log(...)
  redis.call('XADD', base .. ':log', 'MINID', '~', string.format('%.0f', server - ${LOG_KEPT_MS}), '*',
    'at', string.format('%.0f', now), ...)
end
`
