// Loaded into the gateway's process before it starts. At each SIGUSR2 it takes how wrong its wall clock is from then on, in milliseconds, out
// of the file CLOCK_FILE; that the file is gone tells that it is so.
import { readFileSync, rmSync } from 'node:fs'

const trueTime = Date.now
const file = process.env['CLOCK_FILE'] ?? ''
let offset = 0
Date.now = () => trueTime() + offset

process.on('SIGUSR2', () => {
  offset = Number(readFileSync(file, 'utf8'))
  rmSync(file)
})
