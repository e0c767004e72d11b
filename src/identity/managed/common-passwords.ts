import { createRequire } from 'node:module'

/** Read when the first password is chosen: most processes never need it. */
let known: ReadonlySet<string> | undefined

/** A piece that is repeated is no longer than this. */
const LONGEST_PIECE = 7

/** Whether a password is among those that are tried first. `folded`: in lower case. */
export function isCommon(folded: string): boolean {
  known ??= new Set(createRequire(import.meta.url)('@zxcvbn-ts/language-common/src/passwords.json') as string[])
  const word = folded.replace(/[^\p{L}]+$/u, '')
  return known.has(folded) || known.has(word) || isRepeated(folded) || isRow(folded)
}

/** One piece over and over: `abcabcabcabcabc`. */
function isRepeated(text: string): boolean {
  for (let length = 1; length <= Math.min(LONGEST_PIECE, text.length - 1); length++) {
    if (
      text ===
      text
        .slice(0, length)
        .repeat(Math.ceil(text.length / length))
        .slice(0, text.length)
    )
      return true
  }
  return false
}

/** `12345678901234`, `zyxwvut…`: each character next to the one before, 0 next to 9. */
function isRow(text: string): boolean {
  const characters = Array.from(text)
  const steps = characters.slice(1).map((each, index) => codeOf(each) - codeOf(characters[index]))
  return [1, -1].some((way) => steps.every((step) => step === way || step === -9 * way))
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0
}
