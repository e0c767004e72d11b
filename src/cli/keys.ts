import { Argument, Command, Option } from 'commander'
import { systemClock } from '../base/clock.ts'
import { readKeyRing, type KeyRing } from '../crypto/key-ring.ts'
import type { KeySummary } from '../crypto/key-set.ts'
import { ALL_PURPOSES, type Purpose } from '../crypto/purposes.ts'
import { fault } from '../errors.ts'
import { readRealmKeys, SAML_PURPOSES } from '../federation/saml/realm-keys.ts'
import { configOption } from './config-option.ts'
import { tellFault } from './tell-fault.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

export interface KeysCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
}

interface Options {
  readonly config: string
  readonly json?: true
  readonly realm?: string
}

type Ring = Pick<KeyRing, 'summaries' | 'rotate'>

/** Works on the store, beside running processes or without any; these follow within a second. */
export function createKeysCommand({ terminal }: KeysCommandDeps): Command {
  const answer = async (options: Options, use: (ring: Ring) => Promise<readonly KeySummary[]>): Promise<void> => {
    try {
      const keys = await withStore(options.config, terminal, async ({ snapshot, store, log }) => {
        const { secrets, keys: rules } = snapshot.gatehouse
        const deps = { documents: store.documents, ...secrets, rules, clock: systemClock, log }
        if (options.realm === undefined) return use(await readKeyRing(deps))
        const realm = [...snapshot.realms.keys()].find((name) => name === options.realm)
        if (realm === undefined) throw fault('GH_CONFIG_INVALID', { detail: `there is no realm ${options.realm}` })
        return use(await readRealmKeys(realm, deps))
      })
      terminal.out(options.json === true ? asJson(keys) : asText(keys))
    } catch (caught) {
      tellFault(terminal, caught)
    }
  }
  return new Command('keys')
    .description('the keys that sign and seal')
    .addCommand(
      new Command('list')
        .description('list keys: what each is for, whether it signs already or still, and until when it is needed')
        .addOption(configOption())
        .addOption(realmOption())
        .option('--json', 'print one JSON document')
        .action((options: Options) => answer(options, (ring) => Promise.resolve(ring.summaries()))),
    )
    .addCommand(
      new Command('rotate')
        .description(
          'publish successors now; they take over after keys.publishAhead, SAML keys after keys.samlPublishAhead',
        )
        .addArgument(new Argument('[purpose]', 'all purposes without it').choices(ALL_PURPOSES))
        .addOption(configOption())
        .addOption(realmOption())
        .option('--json', 'print one JSON document')
        .action((purpose: Purpose | undefined, options: Options) =>
          answer(options, (ring) => {
            // What a realm's partners know, and what everything else stands on, are never mistaken for each other.
            if (purpose !== undefined && isOfRealms(purpose) !== (options.realm !== undefined))
              throw fault('GH_CONFIG_INVALID', { detail: `--realm goes with ${SAML_PURPOSES.join(' and ')}` })
            return rotated(ring, purpose === undefined ? inUse(ring) : [purpose])
          }),
        ),
    )
}

function realmOption(): Option {
  return new Option('--realm <realm>', 'the keys of a realm that its SAML partners know')
}

function isOfRealms(purpose: Purpose): boolean {
  return SAML_PURPOSES.some((each) => each === purpose)
}

/** What there is a key for: what nobody has wanted yet needs no successor. */
function inUse(ring: Ring): readonly Purpose[] {
  return [...new Set(ring.summaries().map(({ purpose }) => purpose))]
}

/** The successors; where one was on its way already, that one. */
async function rotated(ring: Ring, purposes: readonly Purpose[]): Promise<readonly KeySummary[]> {
  const kids = new Set<string>()
  for (const purpose of purposes) kids.add(await ring.rotate(purpose))
  return ring.summaries().filter(({ kid }) => kids.has(kid))
}

function asJson(keys: readonly KeySummary[]): string {
  const plain = keys.map(({ createdAt, notBefore, until, ...key }) => ({
    ...key,
    createdAt: iso(createdAt),
    notBefore: iso(notBefore),
    until: until === undefined ? null : iso(until),
  }))
  return `${JSON.stringify({ keys: plain }, undefined, 2)}\n`
}

function asText(keys: readonly KeySummary[]): string {
  const rows = keys.map(({ purpose, kid, state, notBefore, until }) => [
    purpose,
    kid,
    state,
    iso(notBefore),
    until === undefined ? '-' : iso(until),
  ])
  const table = [['purpose', 'kid', 'state', 'signs from', 'needed until'], ...rows]
  const widths = table.reduce((all, row) => row.map((cell, i) => Math.max(cell.length, all[i] ?? 0)), [0])
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
