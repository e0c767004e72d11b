// Browsers that sign in, so many at once for so many milliseconds at a time. They give way to what measures on the same core.
import { setPriority } from 'node:os'
import { USERS, username } from './configuration.ts'
import { logIn } from './log-in.ts'

const [, , port = '', password = ''] = process.argv
let nth = 0
const nextName = (): string => username(nth++ % USERS)

process.on('message', (question) => {
  const [atOnce = 1, ms = 0] = String(question).split(' ').map(Number)
  const until = performance.now() + ms
  const isOver = (): boolean => performance.now() > until
  void logIn({ port: Number(port), password, nextName, atOnce, isOver }).then((logins) => process.send?.(logins))
})
setPriority(19)
process.send?.('ready')
