import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Request, Response } from 'express'
import type { RealmName } from '../../base/brand.ts'
import { LOGO_TYPES } from '../logos.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { CompiledRealm } from '../realms.ts'
import { sha256 } from '../../crypto/sha256.ts'

interface FileAnswer {
  readonly body: Buffer | string
  readonly type: string
  readonly version: string
}

/** A logo larger than this is a mistake. */
const LOGO_LIMIT = 1_048_576

/** `/assets/<name>`: for ever when asked for by version, else checked again each time. False when there is no such file. */
export function sendAsset(parts: PortalParts, request: Request, response: Response): boolean {
  const asset = parts.files.assets.get(request.path.slice('/assets/'.length))
  if (asset === undefined) return false
  sendFile(request, response, asset)
  return true
}

const THEME_PATH = /^\/theme((?:\/[a-z0-9][a-z0-9-]*)*)\/([\w-][\w.-]*\.[a-z]+)$/

/** `/theme/<realm>/look.css` and the one logo that the realm's look names. False for everything else. */
export async function sendTheme(parts: PortalParts, request: Request, response: Response): Promise<boolean> {
  const [, path = '', file = ''] = THEME_PATH.exec(request.path) ?? []
  const realm = parts.realms.get((path === '' ? '/' : path) as RealmName) ?? withoutRoot(parts, path)
  if (realm === undefined) return false
  const { compiledLook: look } = realm
  if (file === 'look.css') {
    sendFile(request, response, { body: look.css, type: 'text/css; charset=utf-8', version: look.version })
    return true
  }
  return file === look.logo && (await sendLogo(realm, file, request, response))
}

/** Pages without a realm have the default look even where no root realm is configured. */
function withoutRoot(parts: PortalParts, path: string): CompiledRealm | undefined {
  return path === '' ? parts.defaultRealm : undefined
}

async function sendLogo(realm: CompiledRealm, file: string, request: Request, response: Response): Promise<boolean> {
  const type = LOGO_TYPES[extname(file)]
  const body = await readFile(join(realm.themeDir, file)).catch(() => undefined)
  if (body === undefined || type === undefined || body.length > LOGO_LIMIT) return false
  // Opened by itself an SVG is a document: it gets no script, no requests and no origin.
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
  const version = sha256(body).slice(0, 12)
  sendFile(request, response, { body, type, version })
  return true
}

function sendFile(request: Request, response: Response, { body, type, version }: FileAnswer): void {
  const etag = `"${version}"`
  const wanted = new URLSearchParams(request.url.split('?', 2)[1] ?? '').get('v')
  response.setHeader('ETag', etag)
  response.setHeader('Cache-Control', wanted === version ? 'public, max-age=31536000, immutable' : 'no-cache')
  if (request.headers['if-none-match'] === etag) {
    response.status(304).end()
    return
  }
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.status(200).end(request.method === 'HEAD' ? undefined : body)
}
