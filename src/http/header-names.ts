/** Whether a header name, in any case, is one of a fixed few. */
export type HeaderNames = (name: string) => boolean

/**
 * Compiles a set of header names given in lower case. Most names that are asked about have a length that none of the set has,
 * and cost a look into a table instead of a new string.
 */
export function headerNames(names: Iterable<string>): HeaderNames {
  const set = new Set(names)
  const lengths = new Uint8Array(256)
  for (const name of set) lengths[name.length] = 1
  return (name) => lengths[name.length] === 1 && set.has(name.toLowerCase())
}
