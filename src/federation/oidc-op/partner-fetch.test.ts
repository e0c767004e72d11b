import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientsFileSchema } from './clients.schema.ts'
import { partnerFetch } from './partner-fetch.ts'

test('only what stands in the configuration of a client is asked for, letter for letter', async () => {
  const client = { id: 'rp', jwksUri: 'http://127.0.0.1:9/keys', redirectUris: ['https://rp.example/cb'] }
  const fetch = partnerFetch(clientsFileSchema.parse({ clients: [client] }).clients)
  const isNotAsked = /stands in no configuration/
  for (const address of ['http://127.0.0.1:9/', 'http://127.0.0.1:9/keys?x', 'http://169.254.169.254/keys'])
    await assert.rejects(fetch(address), isNotAsked)
  await assert.rejects(fetch('http://127.0.0.1:9/keys'), (error: Error) => !isNotAsked.test(error.message))
})
