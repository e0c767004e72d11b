import { after } from 'node:test'
import { storeContract } from '../store.contract.ts'
import { contractData } from './contract-data.fixture.ts'
import { startSentinelSet } from './sentinel-set.fixture.ts'

const set = await startSentinelSet()
after(() => set.dispose())

storeContract('Redis with Sentinel', (clock) => Promise.resolve(contractData(set.settings, clock)))
