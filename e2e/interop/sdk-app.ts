import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const MODULES = fileURLToPath(new URL('../../.runtime/foreign-apps/node_modules', import.meta.url))
const SDK = '@forgerock/javascript-sdk/dist/index.js'

/** Where the SDK and what it depends on have their builds for browsers. */
const IMPORTS = {
  '@forgerock/javascript-sdk': SDK,
  '@reduxjs/toolkit': '@reduxjs/toolkit/dist/redux-toolkit.browser.mjs',
  '@reduxjs/toolkit/query': '@reduxjs/toolkit/dist/query/rtk-query.browser.mjs',
  '@standard-schema/utils': '@standard-schema/utils/dist/index.js',
  immer: 'immer/dist/immer.production.mjs',
  redux: 'redux/dist/redux.browser.mjs',
  'redux-thunk': 'redux-thunk/dist/redux-thunk.mjs',
  reselect: 'reselect/dist/reselect.browser.mjs',
}

const PAGE = `<!doctype html>
<title>An application of its own</title>
<script type="importmap">${JSON.stringify({
  imports: Object.fromEntries(Object.entries(IMPORTS).map(([name, file]) => [name, `/modules/${file}`])),
})}</script>
<script type="module">
import * as sdk from '@forgerock/javascript-sdk'
globalThis.sdk = sdk
document.body.append('ready')
</script>
<body></body>
`

/** One request to the application's own interface, as it arrived. */
export interface Arrived {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface SdkApp {
  readonly url: string
  readonly seen: readonly Arrived[]
  close(): Promise<void>
}

/** An application of one page, which has the unmodified SDK: `/` and `/modules/` are for everybody, `/api/` says what it was asked. */
export async function startSdkApp(): Promise<SdkApp> {
  if (!existsSync(join(MODULES, SDK))) throw new Error('the SDK is not installed: run `npm run interop`')
  const seen: Arrived[] = []
  const server = createServer((request, response) => void answer(request, response, seen))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, seen: Arrived[]): Promise<void> {
  const { method = '', url: target = '/', headers } = request
  if (target === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE)
  } else if (target.startsWith('/modules/')) {
    const file = join(MODULES, normalize(target.slice('/modules'.length)))
    const isScript = ['.js', '.mjs'].includes(extname(file)) && existsSync(file) && statSync(file).isFile()
    response.writeHead(isScript ? 200 : 404, { 'content-type': 'text/javascript' })
    if (isScript) createReadStream(file).pipe(response)
    else response.end()
  } else {
    const body = await text(request)
    seen.push({ method, target, headers, body })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ target, body }))
  }
}
