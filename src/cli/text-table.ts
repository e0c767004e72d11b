import { oneLine } from '../telemetry/one-line.ts'

/** A table under its headings. Cells are taken as they are: `plain` makes what others wrote fit for one. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = [headings, ...rows]
  const widths = headings.map((_, i) => table.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), 0))
  return table
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** What people or their browsers wrote cannot drive the terminal, nor look like another line. */
export function plain(text: string): string {
  return oneLine(JSON.stringify(text).slice(1, -1))
}
