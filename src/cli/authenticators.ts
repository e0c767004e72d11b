import { Argument, Command, Option } from 'commander'
import { usernameKey } from '../base/username-key.ts'
import type { Factor } from '../identity/factors.ts'
import { asJson, authenticatorsAsText, shownOf } from './authenticator-table.ts'
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

type OnPerson = (realm: OpenRealm, person: Person) => Promise<void>

/**
 * What the people of a realm set up to prove who they are: looks, and takes it away, as for somebody who has lost their telephone.
 * Works on the store, beside running processes or without any. What the configuration declares is not touched.
 */
export function createAuthenticatorsCommand({ terminal }: AuthenticatorsCommandDeps): Command {
  const run = async (options: Options, use: (realm: OpenRealm) => Promise<void>): Promise<void> => {
    try {
      await withRealm(options, terminal, use)
    } catch (caught) {
      if (!(caught instanceof NotThere)) tellFault(terminal, caught)
      else {
        terminal.err(`gatehouse: ${caught.message}\n`)
        terminal.setExitCode(1)
      }
    }
  }
  const onPerson = (name: string, options: Options, use: OnPerson): Promise<void> =>
    run(options, async (open) => use(open, await personOf(open, name, options)))

  const list = (name: string | undefined, options: Options): Promise<void> =>
    run(options, async (open) => {
      const found = (name === undefined ? await everybody(open) : [await person(open, name, options)])
        .map((owned) => ({ ...owned, factors: owned.factors.filter(isOf(options)) }))
        .filter(({ factors }) => factors.length > 0)
      terminal.out(
        options.json === true ? asJson({ authenticators: found.flatMap(shownOf) }) : authenticatorsAsText(found),
      )
    })
  const show = (name: string, id: string, options: Options): Promise<void> =>
    run(options, async (open) => {
      const owned = await person(open, name, options)
      const factors = owned.factors.filter((factor) => factor.id === id)
      if (factors.length === 0) throw unknown([id], owned.username)
      const shown = { ...owned, factors }
      terminal.out(options.json === true ? asJson({ authenticators: shownOf(shown) }) : authenticatorsAsText([shown]))
    })
  /** Those that `isMeant`; none of them once one of `named` is not there. */
  const take = async (
    { open, owner, options }: { readonly open: OpenRealm; readonly owner: Person; readonly options: Options },
    isMeant: (factor: Factor) => boolean,
    named: readonly string[] = [],
  ): Promise<void> => {
    const { id: userId, username } = owner
    const before = await open.factors.list(userId)
    const missing = named.filter((id) => before.every((factor) => factor.id !== id))
    if (missing.length > 0) throw unknown(missing, username)
    for (const { id } of before.filter(isMeant)) await open.factors.remove(userId, id)
    const after = await open.factors.list(userId)
    open.recordReset(username, { before: before.map(typeOf), after: after.map(typeOf) })
    if (options.endSessions === true) await open.endSessions(owner, 'admin')
    const removed = before.filter(({ id }) => after.every((factor) => factor.id !== id))
    const shown = (factors: readonly Factor[]) => shownOf({ userId, username, factors })
    terminal.out(
      options.json === true
        ? asJson({ removed: shown(removed), left: shown(after) })
        : `${removed.length} removed, ${after.length} left\n`,
    )
  }
  const remove = (name: string, ids: readonly string[], options: Options): Promise<void> =>
    onPerson(name, options, (open, owner) => take({ open, owner, options }, ({ id }) => ids.includes(id), ids))
  const reset = (name: string, options: Options): Promise<void> =>
    onPerson(name, options, (open, owner) => take({ open, owner, options }, isOf(options)))

  return new Command('authenticators')
    .description('what people set up to prove who they are: look, remove, and reset')
    .addCommand(
      typed(
        common(new Command('list').description('list those of one person, or of all of a realm; no secret is shown')),
      )
        .addArgument(new Argument('[user]', 'the name, in any spelling; everybody of the realm where it is left out'))
        .action(list),
    )
    .addCommand(
      named(new Command('show').description('show one of a person; no secret is shown'))
        .addArgument(new Argument('<id>', 'its id, as lists show it'))
        .action(show),
    )
    .addCommand(
      ending(named(new Command('remove').description('remove some of one person')))
        .addArgument(new Argument('<id...>', 'their ids, as lists show them'))
        .action(remove),
    )
    .addCommand(
      ending(
        typed(named(new Command('reset').description('remove those of one person, so that they set up new ones'))),
      ).action(reset),
    )
}

function named(command: Command): Command {
  return common(command).addArgument(new Argument('<user>', 'the name, in any spelling'))
}

function typed(command: Command): Command {
  return command.option('--type <type>', 'of this type only, as in totp')
}

function ending(command: Command): Command {
  return command.option('--end-sessions', 'end the sessions of the person, too')
}

function common(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(new Option('--realm <realm>', 'of this realm, as in /employees').makeOptionMandatory())
    .option(
      '--id',
      'the user is named by the id that sessions have, as has to be where a directory elsewhere has the names',
    )
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

async function person(open: OpenRealm, name: string, options: Options) {
  const { id: userId, username } = await personOf(open, name, options)
  return { userId, username, factors: await open.factors.list(userId) }
}

/** Whoever has set up anything, in order of their names. */
async function everybody(open: OpenRealm) {
  const { realm, records } = open
  const listed = new Map(realm.users.map(({ id, username }) => [id ?? username, username]))
  const nameOf = async (userId: string): Promise<string | undefined> =>
    realm.directory.type === 'managed' ? (await records.byId(userId))?.username : listed.get(userId)
  const found: { userId: string; username: string | undefined; factors: readonly Factor[] }[] = []
  for await (const { userId, factors } of open.factors.ofAll())
    found.push({ userId, username: await nameOf(userId), factors })
  const key = ({ username, userId }: (typeof found)[number]): string => usernameKey(username ?? userId)
  return found.sort((one, other) => (key(one) < key(other) ? -1 : 1))
}

function unknown(ids: readonly string[], username: string): NotThere {
  const names = ids.map((id) => JSON.stringify(id)).join(', ')
  return new NotThere(`${JSON.stringify(username)} has no authenticator ${names}; nothing was changed`)
}

function isOf({ type }: Options): (factor: Factor) => boolean {
  return (factor) => type === undefined || factor.type === type
}

function typeOf({ type }: Factor): string {
  return type
}
