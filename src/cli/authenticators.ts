import { Argument, Command, Option } from 'commander'
import { usernameKey } from '../base/username-key.ts'
import type { Factor } from '../identity/factors.ts'
import { oneLine } from '../telemetry/one-line.ts'
import { configOption } from './config-option.ts'
import { NotThere, withRealm, type OpenRealm } from './managed-realm.ts'
import { tellFault } from './tell-fault.ts'
import type { Terminal } from './terminal.ts'

export interface AuthenticatorsCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
}

interface Options {
  readonly config: string
  readonly realm: string
  readonly json?: true
  readonly id?: true
  readonly type?: string
  readonly endSessions?: true
}

interface Person {
  readonly id: string
  readonly username: string
}

/**
 * What the people of a realm set up to prove who they are: looks, and takes it away, as for somebody who has lost their telephone.
 * Works on the store, beside running processes or without any. What the configuration declares is not touched.
 */
export function createAuthenticatorsCommand({ terminal }: AuthenticatorsCommandDeps): Command {
  const run = async (
    name: string,
    options: Options,
    use: (realm: OpenRealm, person: Person) => Promise<void>,
  ): Promise<void> => {
    try {
      await withRealm(options, terminal, async (open) => use(open, await personOf(open, name, options)))
    } catch (caught) {
      if (!(caught instanceof NotThere)) tellFault(terminal, caught)
      else {
        terminal.err(`gatehouse: ${caught.message}\n`)
        terminal.setExitCode(1)
      }
    }
  }
  const list = (name: string, options: Options): Promise<void> =>
    run(name, options, async ({ factors }, { id }) => {
      const found = (await factors.list(id)).filter(isOf(options))
      terminal.out(options.json === true ? asJson({ authenticators: found.map(shown) }) : found.map(asText).join(''))
    })
  const reset = (name: string, options: Options): Promise<void> =>
    run(name, options, async (open, person) => {
      const before = await open.factors.list(person.id)
      for (const { id } of before.filter(isOf(options))) await open.factors.remove(person.id, id)
      const after = await open.factors.list(person.id)
      open.recordReset(person.username, { before: before.map(typeOf), after: after.map(typeOf) })
      if (options.endSessions === true) await open.endSessions(person, 'admin')
      const removed = before.filter(({ id }) => after.every((factor) => factor.id !== id))
      terminal.out(
        options.json === true
          ? asJson({ removed: removed.map(shown), left: after.map(shown) })
          : `${removed.length} removed, ${after.length} left\n`,
      )
    })

  return new Command('authenticators')
    .description('what people set up to prove who they are: look, and reset')
    .addCommand(common(new Command('list').description('list those of one person; no secret is shown')).action(list))
    .addCommand(
      common(new Command('reset').description('remove those of one person, so that they set up new ones'))
        .option('--end-sessions', 'end the sessions of the person, too')
        .action(reset),
    )
}

function common(command: Command): Command {
  return command
    .addArgument(new Argument('<user>', 'the name, in any spelling'))
    .addOption(configOption())
    .addOption(new Option('--realm <realm>', 'of this realm, as in /employees').makeOptionMandatory())
    .option(
      '--id',
      'the user is named by the id that sessions have, as has to be where a directory elsewhere has the names',
    )
    .option('--type <type>', 'of this type only, as in totp')
    .option('--json', 'print one JSON document')
}

async function personOf({ realm, records }: OpenRealm, name: string, { id }: Options): Promise<Person> {
  if (id === true) return { id: name, username: name }
  const { type } = realm.directory
  if (type === 'ldap')
    throw new NotThere(`the names of ${realm.name} are kept in its directory: name the user by id, with --id`)
  const key = usernameKey(name)
  const listed = realm.users.find(({ username }) => usernameKey(username) === key)
  const found =
    type === 'managed' ? await records.byName(name) : listed && { ...listed, id: listed.id ?? listed.username }
  if (found === undefined) throw new NotThere(`nobody in ${realm.name} is called ${JSON.stringify(name)}`)
  return { id: found.id, username: found.username }
}

function isOf({ type }: Options): (factor: Factor) => boolean {
  return (factor) => type === undefined || factor.type === type
}

function typeOf({ type }: Factor): string {
  return type
}

/** A factor without what it proves with. */
function shown({ id, type, name, createdAt, lastUsedAt }: Factor): object {
  const used = lastUsedAt === undefined ? {} : { lastUsedAt: new Date(lastUsedAt).toISOString() }
  return { id, type, name, createdAt: new Date(createdAt).toISOString(), ...used }
}

function asJson(value: object): string {
  return `${oneLine(JSON.stringify(value, undefined, 2))}\n`
}

function asText({ id, type, name, createdAt }: Factor): string {
  return `${oneLine([id, type, JSON.stringify(name), new Date(createdAt).toISOString()].join('  '))}\n`
}
