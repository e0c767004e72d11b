import type { Choices } from './seed.ts'

/** What has a meaning somewhere on the way: to HTTP, to URLs, to cookies, to YAML, to those who read any of them carelessly. */
const FRAGMENTS: readonly string[] = [
  ...Array.from('\0\t\n\r "#%&\'()*,-./0:;<=>?@[\\]^_`{|}~\x7f\x80\xad\xff'),
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '..',
  '//',
  '\\\\',
  '%00',
  '%0d%0a',
  '%2e%2e%2f',
  '%252f',
  '%c0%af',
  '%ff',
  '\xe2\x80\xae',
  '\xc3\x28',
  '__proto__',
  'constructor',
  '[object Object]',
  'NaN',
  '-1',
  '18446744073709551616',
  '${env:PATH}',
  'javascript:',
  'data:,',
  'https://evil.example',
  '//evil.example',
  '@evil.example',
]

type Mutation = (text: string, choices: Choices) => string

const at = (text: string, choices: Choices): number => choices.below(text.length + 1)

function span(text: string, choices: Choices): readonly [from: number, to: number] {
  const from = at(text, choices)
  return [from, Math.min(text.length, from + 1 + choices.below(choices.chance(0.8) ? 8 : 80))]
}

const MUTATIONS: readonly Mutation[] = [
  (text, choices) => insert(text, at(text, choices), choices.pick(FRAGMENTS)),
  (text, choices) => insert(text, at(text, choices), String.fromCharCode(choices.below(256))),
  (text, choices) => replace(text, span(text, choices), ''),
  (text, choices) => replace(text, span(text, choices), choices.pick(FRAGMENTS)),
  function flipBit(text, choices) {
    const index = choices.below(text.length)
    const flipped = String.fromCharCode((text.charCodeAt(index) & 0xff) ^ (1 << choices.below(8)))
    return replace(text, [index, index + 1], flipped)
  },
  function repeat(text, choices) {
    const [from, to] = span(text, choices)
    const times = choices.chance(0.9) ? 2 + choices.below(4) : 200
    return insert(text, from, text.slice(from, to).repeat(times))
  },
  function move(text, choices) {
    const [from, to] = span(text, choices)
    const left = replace(text, [from, to], '')
    return insert(left, at(left, choices), text.slice(from, to))
  },
  function otherCase(text, choices) {
    const [from, to] = span(text, choices)
    const piece = text.slice(from, to)
    return replace(text, [from, to], choices.chance(0.5) ? piece.toUpperCase() : piece.toLowerCase())
  },
  (text, choices) => text.slice(0, at(text, choices)),
]

function insert(text: string, index: number, piece: string): string {
  return text.slice(0, index) + piece + text.slice(index)
}

function replace(text: string, [from, to]: readonly [number, number], piece: string): string {
  return text.slice(0, from) + piece + text.slice(to)
}

/** The text with a few things changed; most often one or two. */
export function mutate(text: string, choices: Choices): string {
  let changed = text
  do changed = choices.pick(MUTATIONS)(changed, choices)
  while (choices.chance(0.4))
  return changed
}

/** The beginning of one and the end of another. */
export function splice(first: string, second: string, choices: Choices): string {
  return first.slice(0, at(first, choices)) + second.slice(at(second, choices))
}
