import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/free-port.fixture.ts'
import { scratchDirectory, startProgram } from './program.ts'

const APP = join(fileURLToPath(new URL('../../.runtime/foreign-apps', import.meta.url)), 'node_modules', 'node-red')

export interface NodeRed {
  readonly url: string
  output(): string
  stop(): Promise<void>
}

/** The released application, unchanged, started as its own command does, with a user directory of its own. */
export async function startNodeRed(): Promise<NodeRed> {
  if (!existsSync(APP)) throw new Error('Node-RED is not installed: run `npm run interop`')
  const directory = scratchDirectory('node-red')
  const settings = join(directory.path, 'settings.cjs')
  const userDir = join(directory.path, 'user')
  mkdirSync(userDir)
  const port = await freePort()
  writeFileSync(settings, `module.exports = ${JSON.stringify(SETTINGS, null, 2)}\n`)
  const program = await startProgram({
    command: process.execPath,
    args: [join(APP, 'red.js'), '--userDir', userDir, '--settings', settings, '--port', String(port)],
    cwd: directory.path,
    ready: /Server now running at/,
    startTimeout: 60_000,
  })
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => program.output(),
    async stop() {
      await program.stop()
      directory.remove()
    },
  }
}

/** No login of its own: who is there is the gateway's business. Nothing that asks the network or the user first. */
const SETTINGS = {
  uiHost: '127.0.0.1',
  httpAdminRoot: '/',
  flowFile: 'flows.json',
  credentialSecret: false,
  telemetry: { enabled: false, updateNotification: false },
  editorTheme: { tours: false, palette: { catalogues: [] } },
}

interface FlowNode {
  readonly id: string
  readonly type: string
  readonly [property: string]: unknown
}

/** A tab with a button whose message appears in the debug pane, and a page that says what the application knows about its user. */
const FLOW: readonly FlowNode[] = [
  { id: 'f00000000000tab1', type: 'tab', label: '', disabled: false, info: '' },
  {
    id: 'f0000000000inj01',
    type: 'inject',
    z: 'f00000000000tab1',
    name: 'say hello',
    props: [{ p: 'payload' }],
    repeat: '',
    once: false,
    topic: '',
    payload: 'hello through the gateway',
    payloadType: 'str',
    x: 160,
    y: 80,
    wires: [['f0000000000dbg01']],
  },
  {
    id: 'f0000000000dbg01',
    type: 'debug',
    z: 'f00000000000tab1',
    name: 'heard',
    active: true,
    tosidebar: true,
    console: false,
    tostatus: false,
    complete: 'payload',
    targetType: 'msg',
    x: 360,
    y: 80,
    wires: [],
  },
  {
    id: 'f0000000000http1',
    type: 'http in',
    z: 'f00000000000tab1',
    name: '',
    url: '/me',
    method: 'post',
    upload: false,
    x: 150,
    y: 160,
    wires: [['f0000000000func1']],
  },
  {
    id: 'f0000000000func1',
    type: 'function',
    z: 'f00000000000tab1',
    name: 'who',
    func: 'msg.payload = { user: msg.req.headers["x-remote-user"], cookie: msg.req.headers.cookie, sent: msg.payload }\nreturn msg',
    outputs: 1,
    x: 320,
    y: 160,
    wires: [['f0000000000resp1']],
  },
  { id: 'f0000000000resp1', type: 'http response', z: 'f00000000000tab1', name: '', x: 470, y: 160, wires: [] },
]

/** A copy of it with ids of its own, so that several may be in one editor. */
export function flowLabelled(label: string): readonly FlowNode[] {
  const own = createHash('sha256').update(label).digest('hex').slice(0, 8)
  const copy = JSON.parse(JSON.stringify(FLOW).replaceAll('f0000000', own)) as FlowNode[]
  return copy.map((node) => (node.type === 'tab' ? { ...node, label } : node))
}
