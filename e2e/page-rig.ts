import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { gatehouseYaml, startOwnRig } from './own-rig.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** The sample sites with nothing behind them. */
interface PageRig {
  /** Origin of a sample site: `app`, `login`. */
  site(name: string): string
  /** From now on no session can be read. */
  breakStore(): void
  stop(): Promise<unknown>
}

/** The sample configuration in a process of its own, whose applications are all down. */
export async function startPageRig(): Promise<PageRig> {
  const gatehouse = gatehouseYaml().replace('login.acme.test', 'login.acme.localhost')
  const files = { ...sampleFiles('agent-config'), ...sampleFiles('realms'), 'agent-config/gatehouse.yaml': gatehouse }
  // Nothing listens on port 1 (tcpmux), and no other port of a test can come to lie there.
  const rig = await startOwnRig({ files, env: { SAMPLE_APP_URL: 'http://127.0.0.1:1' } })
  return {
    site: (name) => `http://${name}.acme.localhost:${rig.port}`,
    breakStore() {
      const database = new DatabaseSync(join(rig.root, '.gatehouse/cts.db'), { timeout: 30_000 })
      const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%session%'")
      for (const { name } of tables.all())
        database.exec(`ALTER TABLE "${String(name)}" RENAME TO "gone_${String(name)}"`)
      database.close()
    },
    stop: () => rig.stop(),
  }
}

function sampleFiles(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => [path.slice(REPOSITORY.length), readFileSync(path, 'utf8')]),
  )
}
