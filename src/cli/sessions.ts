import { userInfo } from 'node:os'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { configOption } from './config-option.ts'
import type { RealmName } from '../base/brand.ts'
import { endSessions, type Ending } from './end-sessions.ts'
import { findSession, selectSessions, type Selection } from './select-sessions.ts'
import { sessionsAsJson, sessionsAsText } from './session-table.ts'
import { tellFault } from './tell-fault.ts'
import type { Terminal } from './terminal.ts'
import { withStore, type OpenedConfiguration } from './with-store.ts'

export interface SessionsCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
}

interface Options extends Selection {
  readonly config: string
  readonly json?: true
  readonly all?: true
}

/** Works on the store, beside running processes or without any; these refuse what was revoked at once. */
export function createSessionsCommand({ terminal }: SessionsCommandDeps): Command {
  const run = async (options: Options, use: (opened: OpenedConfiguration) => Promise<void>): Promise<void> => {
    try {
      await withStore(options.config, terminal, use)
    } catch (caught) {
      tellFault(terminal, caught)
    }
  }
  const list = (options: Options): Promise<void> =>
    run(options, async (opened) => {
      const { sessions, more } = await selectSessions(opened, options)
      terminal.out(options.json === true ? sessionsAsJson(sessions, { more }) : sessionsAsText(sessions))
      if (more) terminal.err(`There are more than ${sessions.length}; --limit shows more of them.\n`)
    })
  const show = (name: string, options: Options): Promise<void> =>
    run(options, async ({ store }) => {
      const session = await findSession(store, name)
      if (session === undefined) tellUnknown(terminal, [name])
      else terminal.out(options.json === true ? sessionsAsJson([session]) : sessionsAsText([session]))
    })
  const revoke = async (names: readonly string[], options: Options): Promise<void> => {
    const ending = endingOf(names, options)
    if (ending === undefined) {
      terminal.err(
        'gatehouse: say which: ids or handles; --realm and --user for all of one person; --realm and --all for all of a realm\n',
      )
      terminal.setExitCode(2)
      return
    }
    await run(options, async (opened) => {
      const by = { username: `command line: ${userInfo().username}`, tell: (line: string) => terminal.err(line) }
      const { ended, unknown } = await endSessions(opened, ending, by)
      terminal.out(options.json === true ? sessionsAsJson(ended) : `${ended.length} ended\n`)
      tellUnknown(terminal, unknown)
    })
  }

  return new Command('sessions')
    .description('sessions that are running: look, and end')
    .addCommand(
      common(new Command('list').description('list running sessions'))
        .addOption(realmOption())
        .addOption(userOption())
        .addOption(new Option('--limit <count>', 'most to list').default(1_000).argParser(count))
        .action(list),
    )
    .addCommand(
      common(new Command('show').description('show one session'))
        .addArgument(new Argument('<session>', 'its id, or the handle that lists and the REST interface show'))
        .action(show),
    )
    .addCommand(
      common(new Command('revoke').description('end sessions, everywhere and at once'))
        .addArgument(new Argument('[session...]', 'ids or handles; or --realm with --user or --all'))
        .addOption(realmOption())
        .addOption(userOption())
        .option('--all', 'of everybody in the realm; not in those below it')
        .action(revoke),
    )
}

/** Exactly one way to say which; a realm alone is not enough to end everybody's. */
function endingOf(names: readonly string[], { realm, user, all }: Options): Ending | undefined {
  if (names.length > 0) return (realm ?? user ?? all) ? undefined : { names }
  if (realm === undefined || (user === undefined) === (all === undefined)) return undefined
  const name = realm as RealmName
  return user === undefined ? { realm: name } : { realm: name, user }
}

function common(command: Command): Command {
  return command.addOption(configOption()).option('--json', 'print one JSON document')
}

function realmOption(): Option {
  return new Option('--realm <realm>', 'of this realm only, as in /employees')
}

function userOption(): Option {
  return new Option('--user <name>', 'of this person only')
}

function count(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Write a number from 1 to 9999999.')
  return Number(text)
}

function tellUnknown({ err, setExitCode }: SessionsCommandDeps['terminal'], names: readonly string[]): void {
  for (const name of names) err(`gatehouse: no running session is called ${JSON.stringify(name)}\n`)
  if (names.length > 0) setExitCode(1)
}
