import { existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { until } from '../until.ts'
import type { Rig } from './rig.ts'

/**
 * Files of a configuration that a gateway is watching, each put there whole: it may look at any moment, and what it found half written it
 * would refuse, and say so as a fault.
 */
export function writeLive(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path)
    const folder = dirname(target)
    if (existsSync(folder)) {
      writeFileSync(`${target}~`, text, { mode: 0o600 })
      renameSync(`${target}~`, target)
      continue
    }
    const made = mkdtempSync(join(root, 'new-'))
    writeFileSync(join(made, basename(target)), text, { mode: 0o600 })
    mkdirSync(dirname(folder), { recursive: true })
    renameSync(made, folder)
  }
}

export const IN_FORCE = 'the changed configuration is in force'

/** Does it, has the gateway look, and settles when the log says `text` after that. */
export async function told(rig: Rig, text: string, action: () => void): Promise<void> {
  const from = rig.log().length
  action()
  rig.signal('SIGHUP')
  await until(`it is logged: ${text}`, () => rig.log().includes(text, from), { withinMs: 60_000 })
}

/** The files are written, and in force. */
export function changeLive(rig: Rig, files: Readonly<Record<string, string>>): Promise<void> {
  return told(rig, IN_FORCE, () => writeLive(rig.root, files))
}
