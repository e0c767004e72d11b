import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../store.ts'
import { storeContract } from '../store.contract.ts'
import { openEmbeddedStore } from './open.ts'

const nothing = () => undefined
const log = { error: nothing, warn: nothing, info: nothing, debug: nothing }

storeContract('embedded store', async (clock) => {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-store-'))
  const opened: Store[] = []
  return {
    open: async () => {
      const store = await openEmbeddedStore({ path: join(directory, 'cts.db'), clock, log })
      opened.push(store)
      return store
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      await rm(directory, { recursive: true })
    },
  }
})
