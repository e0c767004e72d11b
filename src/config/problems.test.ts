import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, hasErrors, orderProblems, problemAt, warningAt } from './problems.ts'

test('a problem reads file:line:column: message, and a warning says that it is one', () => {
  const at = { line: 3, column: 7 }
  assert.equal(formatProblem(problemAt('realms/realm.yaml', at, 'wrong')), 'realms/realm.yaml:3:7: wrong')
  assert.equal(formatProblem(warningAt('a.yaml', at, 'odd')), 'a.yaml:3:7: warning: odd')
})

test('names from files cannot speak to the terminal: control and direction characters are written out', () => {
  const text = formatProblem(problemAt('a\u001b[2J.yaml', { line: 1, column: 1 }, 'key "\u202Ex\n"'))
  assert.equal(text, 'a\\u{1b}[2J.yaml:1:1: key "\\u{202e}x\\u{a}"')
})

test('problems stand in the order of files and places, each once', () => {
  const make = (file: string, line: number, column: number) => problemAt(file, { line, column }, 'm')
  const ordered = orderProblems([make('b', 1, 1), make('a', 10, 1), make('a', 2, 9), make('a', 2, 1), make('a', 2, 1)])
  assert.deepEqual(ordered.map(formatProblem), ['a:2:1: m', 'a:2:9: m', 'a:10:1: m', 'b:1:1: m'])
})

test('warnings alone are no errors', () => {
  const at = { line: 1, column: 1 }
  assert.equal(hasErrors([warningAt('a', at, 'odd')]), false)
  assert.equal(hasErrors([warningAt('a', at, 'odd'), problemAt('a', at, 'wrong')]), true)
})
