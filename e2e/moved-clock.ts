// Loaded into the gateway's process before it starts. At each SIGUSR2 it takes out of the file CLOCK_FILE how wrong its wall clock is from
// then on, in milliseconds, or with `=` before it the time at which it stands still; that the file is gone tells that it is so.
import { readFileSync, rmSync } from 'node:fs'

const trueTime = Date.now
const file = process.env['CLOCK_FILE'] ?? ''
let now = trueTime
Date.now = () => now()

process.on('SIGUSR2', () => {
  const told = readFileSync(file, 'utf8')
  const ms = Number(told.replace('=', ''))
  now = told.startsWith('=') ? () => ms : () => trueTime() + ms
  rmSync(file)
})
