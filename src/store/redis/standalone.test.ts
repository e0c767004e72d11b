import { after } from 'node:test'
import { storeContract } from '../store.contract.ts'
import { contractData } from './contract-data.fixture.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'

const [port = 0] = await freePorts(1)
const server = await startServer({ port })
after(() => server.dispose())

storeContract('Redis, standalone', (clock) => Promise.resolve(contractData(settingsFor(port), clock)))
