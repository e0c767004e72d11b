// The bare rate of password checks: the product's hasher and nothing else, asked for so many milliseconds at a time.
import { createPasswordHasher } from '../src/crypto/password-hash.ts'

const hasher = createPasswordHasher()
const [, , stored = '', password = ''] = process.argv
/** More than run at once, so that none ever waits for its question. */
const AT_ONCE = 4

async function checksWithin(ms: number): Promise<{ done: number; milliseconds: number }> {
  const start = performance.now()
  let done = 0
  const keepChecking = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      if (!(await hasher.verify(stored, password))) throw new Error('the password is not right')
      done++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, keepChecking))
  return { done, milliseconds: performance.now() - start }
}

process.on('message', (ms) => void checksWithin(Number(ms)).then((result) => process.send?.(result)))
process.send?.('ready')
