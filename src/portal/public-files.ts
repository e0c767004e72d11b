import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Eta } from 'eta'
import { sha256 } from '../crypto/sha256.ts'

/** A file under `/assets`, held in memory. */
export interface Asset {
  readonly body: Buffer
  readonly type: string
  /** First characters of its SHA-256: names this content for ever. */
  readonly version: string
}

/** The files of `public/` that pages are made of, read once. */
export interface PublicFiles {
  readonly assets: ReadonlyMap<string, Asset>
  /** Fills a template of `public/pages`. Whatever is interpolated is escaped. */
  render(template: string, data: object): string
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
}

/** Reads and compiles everything; rejects when a file is missing or a template does not compile. */
export async function loadPublicFiles(directory: string): Promise<PublicFiles> {
  const [assets, templates] = await Promise.all([
    loadAssets(join(directory, 'assets')),
    loadTemplates(join(directory, 'pages')),
  ])
  return {
    assets,
    render: (template, data) => templates.render(`@${template}`, data),
  }
}

async function loadAssets(directory: string): Promise<ReadonlyMap<string, Asset>> {
  const names = (await readdir(directory)).filter((name) => TYPES[extname(name)] !== undefined).sort()
  const load = async (name: string): Promise<[string, Asset]> => {
    const body = await readFile(join(directory, name))
    const version = sha256(body).slice(0, 12)
    return [name, { body, type: TYPES[extname(name)] ?? 'application/octet-stream', version }]
  }
  return new Map(await Promise.all(names.map(load)))
}

async function loadTemplates(directory: string): Promise<Eta> {
  const eta = new Eta({ autoEscape: true, cache: true })
  for (const name of await readdir(directory)) {
    if (extname(name) !== '.eta') continue
    eta.loadTemplate(`@${name.slice(0, -'.eta'.length)}`, await readFile(join(directory, name), 'utf8'))
  }
  return eta
}
