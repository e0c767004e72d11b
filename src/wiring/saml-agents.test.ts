import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { createSpSessions } from '../federation/saml-idp/sp-sessions.ts'
import { configFolder, MASTER_KEY } from '../config/config-folder.fixture.ts'
import { loadConfig } from '../config/load.ts'
import { createMachine } from '../session/processes.fixture.ts'
import { withoutSites } from './saml-agents.ts'

test('a logout tells partners, and no site of ours', async (t) => {
  const site = (sso: string): string =>
    `realm: /staff\nsso: ${sso}\nssoOnly: true\nupstream: { servers: [http://127.0.0.1:9] }\n`
  const { root } = configFolder(t, {
    'agent-config/files.yaml': `url: http://files.supplier.localhost:8080\n${site('saml')}`,
    'agent-config/shop.yaml': `url: http://shop.partner.localhost:8080\n${site('oidc')}`,
  })
  const { snapshot, problems } = await loadConfig(root, { env: { KEY: MASTER_KEY } })
  assert.ok(snapshot, JSON.stringify(problems))
  const { start } = createMachine(t)
  const { store } = await start()
  const clock = (): EpochMs => 0 as EpochMs
  const sessions = createSpSessions({ realm: '/staff' as RealmName, store, clock })
  const session = { sid: 's1', userId: 'alice', maxExpiresAt: 60_000 as EpochMs }
  for (const partner of ['files', 'wiki'])
    await sessions.add(session, {
      ...{ partner, entityId: `https://${partner}.example` },
      nameId: { value: `_${partner}`, format: 'transient', isPairwise: true },
    })
  const known = await withoutSites({ sessions }, snapshot.agents).sessions.ofSession('s1')
  assert.deepEqual(
    known?.entries.map(({ partner }) => partner),
    ['wiki'],
  )
})
