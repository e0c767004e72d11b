import { StringDecoder } from 'node:string_decoder'
import type { Keyboard, Terminal } from './terminal.ts'

export type SecretAnswer =
  | { readonly kind: 'read'; readonly secret: string }
  | { readonly kind: 'refused'; readonly why: string }

/** More than any secret needs. */
const MAX_BYTES = 65_536

type Io = Pick<Terminal, 'stdin' | 'err'>

/** Asks twice at a terminal, without echo; reads all of a pipe otherwise, without the line end. */
export async function readSecret(io: Io, prompt: string, again: string): Promise<SecretAnswer> {
  if (io.stdin.isTTY !== true) return readPipe(io.stdin)
  const first = await askHidden(io, prompt)
  if (first === undefined) return { kind: 'refused', why: 'nothing was entered' }
  const second = await askHidden(io, again)
  if (first !== second) return { kind: 'refused', why: 'the two entries differ' }
  return { kind: 'read', secret: first }
}

async function readPipe(stdin: Keyboard): Promise<SecretAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk as string)
    size += bytes.length
    if (size > MAX_BYTES) return { kind: 'refused', why: 'the input is too long' }
    chunks.push(bytes)
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (text === '')
    return { kind: 'refused', why: 'standard input is empty; pipe the password in, or run it at a terminal' }
  if (/[\r\n]/.test(text)) return { kind: 'refused', why: 'standard input has several lines; give one' }
  return { kind: 'read', secret: text }
}

const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f']

/** One line from the keyboard, nothing shown; `undefined` for Ctrl-C, Ctrl-D or a keyboard that went away. */
async function askHidden({ stdin, err }: Io, prompt: string): Promise<string | undefined> {
  err(prompt)
  stdin.setRawMode?.(true)
  try {
    return await readLine(stdin)
  } finally {
    stdin.setRawMode?.(false)
    err('\n')
  }
}

function readLine(stdin: Keyboard): Promise<string | undefined> {
  const decoder = new StringDecoder('utf8')
  const typed: string[] = []
  return new Promise((resolve) => {
    const finish = (line: string | undefined, rest = ''): void => {
      // At once: what was typed ahead would flow on to nobody.
      stdin.pause().off('data', take).off('end', gone)
      if (rest !== '') stdin.unshift(Buffer.from(rest))
      resolve(line)
    }
    const gone = (): void => finish(undefined)
    const take = (bytes: Buffer | string): void => {
      const keys = Array.from(typeof bytes === 'string' ? bytes : decoder.write(bytes))
      for (const [index, key] of keys.entries()) {
        if (key === CTRL_C || key === CTRL_D) {
          finish(undefined)
          return
        }
        if (key === '\r' || key === '\n') {
          finish(typed.join(''), keys.slice(index + 1).join(''))
          return
        }
        if (key === BACKSPACE || key === DELETE) typed.pop()
        else typed.push(key)
      }
    }
    stdin.on('data', take).on('end', gone)
    stdin.resume()
  })
}
