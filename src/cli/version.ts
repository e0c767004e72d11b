import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function createVersionCommand({ terminal }: { readonly terminal: Pick<Terminal, 'out'> }): Command {
  return new Command('version').description('print the version').action(() => {
    terminal.out(`gatehouse ${productVersion()}\n`)
  })
}

/** The version that package.json names. */
export function productVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isManifest ? String(manifest.version) : 'unknown'
}
