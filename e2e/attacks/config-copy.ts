import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import type { Rig } from './rig.ts'

/** The configuration with another text in one file, or with one more: a copy, so that the running gateway does not see it. */
export async function loadWith(rig: Rig, file: string, change: (text: string) => string): Promise<LoadedConfig> {
  rig.tally.sent++
  rig.tally.checks++
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-attack-config-'))
  try {
    for (const part of ['agent-config', 'realms', 'data/master.key'])
      cpSync(join(rig.root, part), join(root, part), { recursive: true })
    const path = join(root, file)
    writeFileSync(path, change(existsSync(path) ? readFileSync(path, 'utf8') : ''))
    return await loadConfig(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}
