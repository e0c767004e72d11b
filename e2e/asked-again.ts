import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How many decisions of each kind were compared with what explain says. */
export type Compared = Readonly<Record<string, number>>

/** One gateway whose decisions are all asked about again: explain equals act. */
export interface AskedAgain {
  /** For Node, before the program. */
  readonly flag: string
  readonly env: Readonly<Record<string, string>>
  /**
   * Once the process has ended. Throws where explain said anything else than was enforced, and where nothing was compared although
   * `log` has a request that policies decided about.
   */
  check(log: string): Compared
}

const PRELOAD = fileURLToPath(new URL('ask-again.ts', import.meta.url))
const DECIDED = /"verdict":"(?:deny|step-up)"/

export function askAgain(): AskedAgain {
  const file = join(tmpdir(), `gatehouse-asked-again-${randomUUID()}.jsonl`)
  return {
    flag: `--import=${PRELOAD}`,
    env: { ASKED_AGAIN_FILE: file },
    check(log) {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
      rmSync(file, { force: true })
      const read = lines.map((line) => JSON.parse(line) as { readonly compared?: Compared })
      const others = lines.filter((_, nth) => read[nth]?.compared === undefined)
      if (others.length > 0)
        throw new Error(`explain says ${others.length} times what was not enforced:\n${others.slice(0, 3).join('\n')}`)
      const compared = sum(read.map(({ compared = {} }) => compared))
      // A process that was killed has told of no number.
      if (lines.length > 0 && Object.keys(compared).length === 0 && DECIDED.test(log))
        throw new Error('no decision was compared with what explain says')
      const tally = process.env['ASKED_AGAIN_TALLY']
      if (tally !== undefined) appendFileSync(tally, `${JSON.stringify(compared)}\n`)
      return compared
    },
  }
}

function sum(all: readonly Compared[]): Compared {
  const total: Record<string, number> = {}
  for (const [kind, count] of all.flatMap((each) => Object.entries(each))) total[kind] = (total[kind] ?? 0) + count
  return total
}
