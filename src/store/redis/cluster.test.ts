import { after } from 'node:test'
import { storeContract } from '../store.contract.ts'
import { contractData } from './contract-data.fixture.ts'
import { startCluster } from './cluster.fixture.ts'

const cluster = await startCluster()
after(() => cluster.dispose())

storeContract('Redis Cluster', (clock) => Promise.resolve(contractData(cluster.settings, clock)))
