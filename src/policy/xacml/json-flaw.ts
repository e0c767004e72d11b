/** Lists and objects in each other. A request has eight. */
const DEEPEST = 16
/** Objects in all: 200 decisions have room. */
const MOST = 2_000

/**
 * All that counts for the structure of JSON: texts, and the marks between values. A text without an end is one to the end, or each quote in it
 * would be tried as a beginning (ReDoS).
 */
const MARK = /"(?:[^"\\]|\\[^])*"?|[{}[\]:,]/g

/**
 * What `JSON.parse` lets pass, and another reader may read otherwise: a name that stands twice in one object, of which one reader takes
 * the first and another the last. Also what is nested too deeply, or too much. `undefined`: nothing of the kind, if it is JSON at all.
 */
export function jsonFlaw(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let last = ''
  let objects = 0
  for (const [mark] of text.matchAll(MARK)) {
    if (mark === '{' || mark === '[') {
      open.push(mark === '{' ? new Set() : undefined)
      if (mark === '{') objects += 1
      if (open.length > DEEPEST) return `values in more than ${DEEPEST} others`
      if (objects > MOST) return `more than ${MOST} objects`
    } else if (mark === '}' || mark === ']') open.pop()
    else if (mark === ':') {
      const names = open.at(-1)
      const name = nameOf(last)
      if (name === '__proto__') return 'no name is __proto__ here'
      if (names?.has(name) === true) return `${name} stands twice in one object`
      names?.add(name)
    }
    last = mark
  }
  return undefined
}

/** Two spellings of one name are one name. */
function nameOf(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}
