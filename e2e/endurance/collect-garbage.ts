// Loaded into the gateway's process before it starts: SIGUSR2 collects all garbage there is and gives back the room that only passing
// things took (the young generation grows with use and shrinks in quiet times), so that only what is kept counts.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: object) => void
  process.on('SIGUSR2', () => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }))
}
