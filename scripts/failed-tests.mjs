// What a reader of the last lines of a log needs: which tests failed, where, and the first lines of why.
import { stripVTControlCharacters } from 'node:util'

const MOST_LINES = 25
const MOST_CHARACTERS = 200
const LINES_OF_ONE = 8
/** How the reporters of node:test and Playwright begin one failure in the list at their end. */
const NODE_BEGINS = /^(test at \S+:\d+:\d+$|✖ .)/
const PLAYWRIGHT_BEGINS = /^ {2}\d+\) \S+:\d+:\d+ /

/**
 * The failures that a step's output tells of, in short: node's list of failing tests, or Playwright's; without either the last lines.
 * @param {string} output what the step wrote
 * @returns {string[]} at most 25 lines of at most 200 characters
 */
export function failedTests(output) {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
  const list = lines.lastIndexOf('✖ failing tests:')
  const failures = list >= 0 ? partsOf(lines.slice(list + 1), NODE_BEGINS) : partsOf(untilSum(lines), PLAYWRIGHT_BEGINS)
  const told = failures.length > 0 ? inShort(failures) : lines.slice(-MOST_LINES)
  return told.map((line) => (line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS - 1)}…` : line))
}

/**
 * What of a run of node:test has to be run again to know more: the files, and the names of the tests that failed in them.
 * @param {string} output what the step wrote
 * @returns {{ files: string[], names: string[] } | undefined} `undefined` where some failure is in no test file that it names
 */
export function failuresIn(output) {
  const lines = stripVTControlCharacters(output).split('\n')
  const list = lines.lastIndexOf('✖ failing tests:')
  const failures = list < 0 ? [] : partsOf(lines.slice(list + 1), NODE_BEGINS)
  const found = failures.map((part) => ({ file: fileOf(part), name: nameOf(part) }))
  if (found.length === 0 || found.some(({ file, name }) => file === undefined || name === undefined)) return undefined
  // A hook of a whole file fails under the file's name, which no run says of one that passes.
  const names = found.map(({ name }) => name).filter((name) => !/\.test\.[mc]?[jt]s$/.test(name))
  return { files: [...new Set(found.map(({ file }) => file))], names }
}

/** The names of the tests that passed in a run of node:test. */
export function passedTests(output) {
  const lines = stripVTControlCharacters(output).split('\n')
  return lines.map((line) => /^\s*✔ (.*) \([\d.]+ms\)$/.exec(line)?.[1]).filter((name) => name !== undefined)
}

/** Where tests are made by what several files use, the place is that, and the file is further up the stack. */
function fileOf(part) {
  const text = part.join('\n')
  const place = /^test at (\S+\.test\.[mc]?[jt]s):/m.exec(text) ?? /file:\/\/(\S+\.test\.[mc]?[jt]s):\d+/.exec(text)
  return place?.[1]
}

const nameOf = (part) => part.map((line) => /^✖ (.*) \([\d.]+ms\)$/.exec(line)?.[1]).find((name) => name !== undefined)

/** Playwright names all failures once more below what it said about each. */
function untilSum(lines) {
  const sum = lines.findLastIndex((line) => /^ {2}\d+ failed$/.test(line))
  return sum < 0 ? lines : lines.slice(0, sum)
}

/** The lines of each failure; one whose line and place stand apart is one. */
function partsOf(lines, begins) {
  const parts = []
  for (const line of lines) {
    const part = parts.at(-1)
    if (begins.test(line) && !(part?.length === 1 && part[0].startsWith('test at '))) parts.push([line])
    else part?.push(line)
  }
  return parts
}

/** As many lines of each failure as there is room for: its name, the error, and where in a file of ours it was. */
function inShort(failures) {
  const room = Math.max(3, Math.min(LINES_OF_ONE, Math.floor(MOST_LINES / failures.length)))
  const shown = failures.slice(0, Math.floor((MOST_LINES - 1) / room))
  const told = shown.flatMap((lines) => {
    const place = lines.findIndex((line, at) => at >= room && isPlace(line))
    return place < 0 ? lines.slice(0, room) : [...lines.slice(0, room - 1), lines[place]]
  })
  const left = failures.length - shown.length
  return left === 0 ? told : [...told, `… and ${left} more`]
}

const isPlace = (line) => /^ +at .*\.[mc]?[jt]s:\d+:\d+\)?$/.test(line) && !/\(?node:|node_modules/.test(line)
