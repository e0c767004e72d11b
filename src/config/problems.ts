import type { ConfigProblem } from './snapshot.ts'

export interface Position {
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 code units as editors count. */
  readonly column: number
}

/** Where a file as a whole is meant. */
export const FILE_START: Position = { line: 1, column: 1 }

export function problemAt(file: string, position: Position, message: string): ConfigProblem {
  return { severity: 'error', file, line: position.line, column: position.column, message }
}

export function warningAt(file: string, position: Position, message: string): ConfigProblem {
  return { ...problemAt(file, position, message), severity: 'warning' }
}

/** One problem as compilers write it, `file:line:column: message`, so that editors and terminals make it a link. */
export function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, severity, message } = problem
  return visible(`${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${message}`)
}

/** Control and direction characters in names written out, so that no file can speak to the terminal (escape injection). */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
}

export function hasErrors(problems: readonly ConfigProblem[]): boolean {
  return problems.some((problem) => problem.severity === 'error')
}

/** By file, then from top to bottom, each told once. */
export function orderProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const distinct = new Map(problems.map((problem) => [formatProblem(problem), problem]))
  return [...distinct.values()].sort(
    (a, b) =>
      compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.message, b.message),
  )
}

/** By code unit, so that the order does not depend on the machine's language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
