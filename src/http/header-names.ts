/** Whether a header name, in any case, is one of a fixed few. */
export type HeaderNames = (name: string) => boolean

/**
 * Compiles a set of header names given in lower case. Most names that are asked about have a length and a first letter that none
 * of the set has, and cost a look into a table instead of a new string.
 */
export function headerNames(names: Iterable<string>): HeaderNames {
  const set = new Set(names)
  // By length: one bit for each first letter.
  const firsts = new Uint32Array(256)
  for (const name of set) firsts[name.length] = (firsts[name.length] ?? 0) | firstBit(name)
  return (name) => ((firsts[name.length] ?? 0) & firstBit(name)) !== 0 && set.has(name.toLowerCase())
}

/** The same bit for both cases of a letter. */
function firstBit(name: string): number {
  return 1 << (name.charCodeAt(0) & 0x1f)
}
