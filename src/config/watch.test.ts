import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { configFolder, MASTER_KEY, type ConfigFolder } from './config-folder.fixture.ts'
import { loadConfig, type LoadedConfig } from './load.ts'
import { watchConfig, type ConfigWatcher, type ConfigWatcherDeps } from './watch.ts'

interface Watching extends ConfigFolder {
  readonly watcher: ConfigWatcher
  readonly changes: readonly LoadedConfig[]
  /** The next change that has not been asked for yet. */
  next(): Promise<LoadedConfig>
}

type Overrides = Partial<Pick<ConfigWatcherDeps, 'pollMs' | 'watchFolder' | 'debounceMs' | 'load' | 'onError'>>

async function watching(context: TestContext, folder: ConfigFolder, overrides: Overrides = {}): Promise<Watching> {
  const load = (): Promise<LoadedConfig> => loadConfig(folder.root, { env: {} })
  const changes: LoadedConfig[] = []
  let arrived = Promise.withResolvers<undefined>()
  const watcher = watchConfig({
    load,
    current: await load(),
    onChange: (loaded) => {
      changes.push(loaded)
      arrived.resolve(undefined)
      arrived = Promise.withResolvers()
    },
    onError: (error) => assert.fail(String(error)),
    debounceMs: 20,
    // Out of the way: what these tests see, the system reported.
    pollMs: 3_600_000,
    ...overrides,
  })
  // The watcher's own timers keep no process alive.
  const alive = setInterval(() => undefined, 1_000)
  context.after(() => {
    clearInterval(alive)
    return watcher.close()
  })
  // Deals with the look that follows the start.
  await watcher.check()
  let taken = 0
  const next = async (): Promise<LoadedConfig> => {
    const wait = arrived.promise
    if (changes.length <= taken) await wait
    const change = changes[taken++]
    assert.ok(change)
    return change
  }
  return { ...folder, watcher, changes, next }
}

const titleOf = ({ snapshot }: LoadedConfig): string | undefined =>
  snapshot && [...snapshot.realms.values()].find(({ name }) => name === '/staff')?.look.title

test('a saved file arrives as a new snapshot with another digest', async (context) => {
  const watched = await watching(context, configFolder(context))
  watched.write('realms/staff/realm.yaml', 'look: { title: Second }\n')
  assert.equal(titleOf(await watched.next()), 'Second')
})

test('a bad file reports its problems and gives no snapshot; fixing it does', async (context) => {
  const watched = await watching(context, configFolder(context))
  watched.write('realms/staff/realm.yaml', 'look: { titel: Second }\n')
  const bad = await watched.next()
  assert.equal(bad.snapshot, undefined)
  assert.deepEqual(
    bad.problems.map(({ file, line, column }) => [file, line, column]),
    [['realms/staff/realm.yaml', 1, 9]],
  )
  watched.write('realms/staff/realm.yaml', 'look: { title: Third }\n')
  assert.equal(titleOf(await watched.next()), 'Third')
})

test('rename-over, as editors save, is seen', async (context) => {
  const watched = await watching(context, configFolder(context))
  const target = join(watched.root, 'realms/staff/realm.yaml')
  writeFileSync(`${target}.new`, 'look: { title: Renamed }\n')
  renameSync(`${target}.new`, target)
  let change = await watched.next()
  // The new name itself may be seen for a moment.
  while (titleOf(change) !== 'Renamed' || change.problems.length > 0) change = await watched.next()
  assert.equal(titleOf(change), 'Renamed')
})

test('a swapped symbolic link, as mounted configuration is replaced, is seen, and so is the change after it', async (context) => {
  const folder = configFolder(context)
  const at = (path: string): string => join(folder.root, path)
  renameSync(at('realms/staff'), at('v1'))
  mkdirSync(at('v2'))
  writeFileSync(at('v2/realm.yaml'), 'look: { title: Two }\n')
  symlinkSync('../v1', at('realms/staff'))
  const watched = await watching(context, folder)
  symlinkSync('../v2', at('next'))
  renameSync(at('next'), at('realms/staff'))
  assert.equal(titleOf(await watched.next()), 'Two')
  writeFileSync(at('v2/realm.yaml'), 'look: { title: Three }\n')
  assert.equal(titleOf(await watched.next()), 'Three')
})

test('new files, new realms and removed ones are seen, and files in new realms, too', async (context) => {
  const watched = await watching(context, configFolder(context))
  watched.write('realms/staff/new/realm.yaml', '')
  while (!(await watched.next()).snapshot?.realms.has('/staff/new' as never));
  watched.write('realms/staff/new/realm.yaml', 'look: { title: New }\n')
  const { snapshot } = await watched.next()
  assert.equal([...(snapshot?.realms.values() ?? [])].at(-1)?.look.title, 'New')
  rmSync(join(watched.root, 'realms/staff/new'), { recursive: true })
  while ((await watched.next()).snapshot?.realms.has('/staff/new' as never) !== false);
})

test('a file named by ${file:…} is watched', async (context) => {
  const watched = await watching(context, configFolder(context))
  watched.write('master.key', `${MASTER_KEY.replace('q', 'r')}\n`)
  assert.match((await watched.next()).snapshot?.gatehouse.secrets.masterKey ?? '', /^r/)
})

/** A watcher on mocked time, and the way to say to it that an entry of the root changed. */
async function onMockedTime(context: TestContext) {
  const { root } = configFolder(context)
  const current = await loadConfig(root, { env: {} })
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const listeners = new Map<string, (name: string | null) => void>()
  let loads = 0
  const watcher = watchConfig({
    load: () => {
      loads++
      return Promise.resolve(current)
    },
    current,
    onChange: () => assert.fail('nothing changed'),
    onError: (error) => assert.fail(String(error)),
    watchFolder: (folder, changed) => {
      listeners.set(folder, changed)
      return { close: () => undefined }
    },
    pollMs: 3_600_000,
  })
  context.after(() => watcher.close())
  await watcher.check()
  /** How many looks the events bring; one more look, after them, makes sure that all are over. */
  const looksAfter = async (events: () => void): Promise<number> => {
    const before = loads
    events()
    await watcher.check()
    return loads - before - 1
  }
  const changed = (name: string | null, quietMs: number): void => {
    listeners.get(root)?.(name)
    context.mock.timers.tick(quietMs)
  }
  return { changed, looksAfter }
}

test('only entries that were read matter in a folder of other files: a busy neighbour of a secret starts no look', async (context) => {
  const { changed, looksAfter } = await onMockedTime(context)
  assert.equal(await looksAfter(() => changed('cts.db-wal', 5_000)), 0)
  for (const name of ['master.key', '..data', null]) {
    assert.equal(await looksAfter(() => changed(name, 5_000)), 1, String(name))
  }
})

test('a look waits for quiet, but not for ever', async (context) => {
  const { changed, looksAfter } = await onMockedTime(context)
  const busy = (times: number) => () => {
    for (let time = 0; time < times; time++) changed('master.key', 90)
  }
  assert.equal(await looksAfter(busy(9)), 0)
  assert.equal(await looksAfter(() => changed('master.key', 100)), 1)
  assert.equal(await looksAfter(busy(12)), 1)
})

test('content decides: a touch calls nobody', async (context) => {
  const watched = await watching(context, configFolder(context))
  utimesSync(join(watched.root, 'realms/realm.yaml'), new Date(0), new Date(0))
  watched.write('realms/realm.yaml', '')
  await watched.watcher.check()
  assert.equal(watched.changes.length, 0)
  watched.write('realms/realm.yaml', 'look: { title: Root }\n')
  await watched.next()
  assert.equal(watched.changes.length, 1)
})

test('what changed between loading and watching is seen', async (context) => {
  const folder = configFolder(context)
  const current = await loadConfig(folder.root, { env: {} })
  folder.write('realms/staff/realm.yaml', 'look: { title: Between }\n')
  const seen = Promise.withResolvers<LoadedConfig>()
  const watcher = watchConfig({
    load: () => loadConfig(folder.root, { env: {} }),
    current,
    onChange: seen.resolve,
    onError: seen.reject,
    debounceMs: 1,
  })
  context.after(() => watcher.close())
  // Keeps the process alive: the watcher's own timers do not.
  const alive = setInterval(() => undefined, 1_000)
  context.after(() => clearInterval(alive))
  assert.equal(titleOf(await seen.promise), 'Between')
})

test('where the system reports nothing the poll sees it, also a configuration root that is swapped as a whole', async (context) => {
  const one = configFolder(context)
  const two = configFolder(context, { 'realms/staff/realm.yaml': 'look: { title: Other }\n' })
  const links = configFolder(context)
  const root = join(links.root, 'current')
  symlinkSync(one.root, root)
  const deaf = { pollMs: 10, watchFolder: () => ({ close: () => undefined }) }
  const load = (): Promise<LoadedConfig> => loadConfig(root, { env: {} })
  const watched = await watching(context, one, { ...deaf, load })
  one.write('realms/staff/realm.yaml', 'look: { title: Polled }\n')
  assert.equal(titleOf(await watched.next()), 'Polled')
  symlinkSync(two.root, join(links.root, 'next'))
  renameSync(join(links.root, 'next'), root)
  assert.equal(titleOf(await watched.next()), 'Other')
})

test('a folder that cannot be watched is reported and does not stop the rest', async (context) => {
  const errors: unknown[] = []
  const full = new Error('no more watches')
  const watched = await watching(context, configFolder(context), {
    watchFolder: () => {
      throw full
    },
    onError: (error) => errors.push(error),
  })
  assert.ok(errors.length > 0 && errors.every((error) => error === full))
  watched.write('realms/staff/realm.yaml', 'look: { title: Asked }\n')
  await watched.watcher.check()
  assert.equal(titleOf(await watched.next()), 'Asked')
})

test('the next look waits for what the last change started: swaps do not overlap', async (context) => {
  const folder = configFolder(context)
  const load = (): Promise<LoadedConfig> => loadConfig(folder.root, { env: {} })
  const order: string[] = []
  let loads = 0
  const begun = Promise.withResolvers<undefined>()
  const swapped = Promise.withResolvers<undefined>()
  const watcher = watchConfig({
    load: () => {
      loads++
      return load()
    },
    current: await load(),
    onChange: async (loaded) => {
      order.push(`begin ${titleOf(loaded)}`)
      begun.resolve(undefined)
      await swapped.promise
      order.push(`end ${titleOf(loaded)}`)
    },
    onError: (error) => assert.fail(String(error)),
    watchFolder: () => ({ close: () => undefined }),
    pollMs: 3_600_000,
  })
  context.after(() => watcher.close())
  folder.write('realms/staff/realm.yaml', 'look: { title: One }\n')
  const one = watcher.check()
  await begun.promise
  folder.write('realms/staff/realm.yaml', 'look: { title: Two }\n')
  const two = watcher.check()
  // A look that did not wait would load meanwhile.
  await load()
  assert.deepEqual([order, loads], [['begin One'], 1])
  swapped.resolve(undefined)
  await Promise.all([one, two])
  assert.deepEqual(order, ['begin One', 'end One', 'begin Two', 'end Two'])
})

test('after close nobody is called', async (context) => {
  const watched = await watching(context, configFolder(context))
  await watched.watcher.close()
  watched.write('realms/staff/realm.yaml', 'look: { title: Late }\n')
  await watched.watcher.check()
  assert.equal(watched.changes.length, 0)
})

test('looks never overlap, and a load that fails is reported and does not end watching', async (context) => {
  let running = 0
  let fail = false
  const errors: unknown[] = []
  const folder = configFolder(context)
  const load = async (): Promise<LoadedConfig> => {
    assert.equal(++running, 1)
    try {
      if (fail) throw new Error('disk')
      return await loadConfig(folder.root, { env: {} })
    } finally {
      running--
    }
  }
  const watched = await watching(context, folder, { load, onError: (error) => errors.push(error) })
  await Promise.all([watched.watcher.check(), watched.watcher.check(), watched.watcher.check()])
  fail = true
  await watched.watcher.check()
  assert.match(String(errors), /disk/)
  fail = false
  watched.write('realms/staff/realm.yaml', 'look: { title: Again }\n')
  assert.equal(titleOf(await watched.next()), 'Again')
})
