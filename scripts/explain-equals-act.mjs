// The last step of `npm test`: how many decisions of its gateways were compared with what explain says of them. Each rig has failed already where
// one differs (e2e/asked-again.ts); here nothing compared at all is a failure, too.
import { existsSync, readFileSync } from 'node:fs'
import { fail } from './runtime.mjs'

const file = process.env['ASKED_AGAIN_TALLY'] ?? ''
const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
const totals = new Map()
for (const [kind, count] of lines.flatMap((line) => Object.entries(JSON.parse(line))))
  totals.set(kind, (totals.get(kind) ?? 0) + count)
for (const kind of ['forward', 'step-up', 'deny'])
  if (!totals.has(kind)) fail(`No decision of the kind ${kind} was compared with what explain says.`)
const told = [...totals].map(([kind, count]) => `${count} ${kind}`).join(', ')
process.stdout.write(`explain says what was enforced, in ${lines.length} gateways: ${told}\n`)
