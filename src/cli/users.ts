import { DEVICE_FACTOR } from '../authn/modules/device.ts'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { flawOf } from '../identity/managed/password-rules.ts'
import { withPassword } from '../identity/managed/managed-directory.ts'
import type { UserRecord } from '../identity/managed/user-records.ts'
import { systemClock } from '../base/clock.ts'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { configOption } from './config-option.ts'
import { NotThere, withRealm, type OpenRealm } from './managed-realm.ts'
import { readSecret } from './read-secret.ts'
import { tellFault } from './tell-fault.ts'
import type { Terminal } from './terminal.ts'
import { lockoutsAsText, usersAsJson, usersAsText } from './user-table.ts'

export interface UsersCommandDeps {
  readonly terminal: Pick<Terminal, 'stdin' | 'env' | 'out' | 'err' | 'setExitCode'>
}

interface Options {
  readonly config: string
  readonly realm: string
  readonly json?: true
  readonly group?: readonly string[]
  readonly attribute?: Readonly<Record<string, readonly string[]>>
  readonly password?: true
  readonly mustChange?: true
}

/** The managed users of a realm. Works on the store, beside running processes or without any; these follow within a second. */
export function createUsersCommand({ terminal }: UsersCommandDeps): Command {
  const hasher = createPasswordHasher()
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
  const managed = (options: Options, use: (realm: OpenRealm) => Promise<void>): Promise<void> =>
    run(options, async (open) => {
      const { name, directory } = open.realm
      if (directory.type !== 'managed')
        throw new NotThere(`the users of ${name} are not kept here: its directory is of type ${directory.type}`)
      await use(open)
    })
  const onUser = (
    options: Options,
    name: string,
    use: (realm: OpenRealm, user: UserRecord) => Promise<void>,
  ): Promise<void> =>
    managed(options, async (open) => {
      const user = await open.records.byName(name)
      if (user === undefined) throw new NotThere(`nobody in ${open.realm.name} is called ${JSON.stringify(name)}`)
      await use(open, user)
    })
  /** Never an argument: arguments are in the shell's history and in every process list. */
  const newPassword = async (username: string, { realm }: OpenRealm): Promise<string> => {
    const entered = await readSecret(terminal, `Password for ${username}: `, 'Once more: ')
    if (entered.kind === 'refused') throw new NotThere(entered.why)
    const flaw = flawOf(entered.secret, username, realm.passwords)
    if (flaw !== undefined)
      throw new NotThere(`the password is not taken: ${flaw.kind}; see passwords of ${realm.name} in its realm.yaml`)
    return hasher.hash(entered.secret)
  }

  const add = (name: string, options: Options): Promise<void> =>
    managed(options, async (open) => {
      const created = await open.records.create({
        username: name,
        groups: options.group ?? [],
        attributes: options.attribute ?? {},
        password: await newPassword(name, open),
        mustChange: options.mustChange === true,
        disabled: false,
      })
      if (created === undefined) throw new NotThere(`the name ${JSON.stringify(name)} is taken in ${open.realm.name}`)
      open.record('add', name)
      terminal.out(`${created.id}\n`)
    })
  const set = (name: string, options: Options): Promise<void> =>
    onUser(options, name, async (open, user) => {
      const { group, attribute, mustChange } = options
      const password = options.password === true ? await newPassword(user.username, open) : undefined
      await open.records.change(user.id, (now) => ({
        ...(password === undefined
          ? now
          : withPassword(now, { password, rules: open.realm.passwords, at: systemClock() })),
        ...(group === undefined ? {} : { groups: group }),
        ...(attribute === undefined ? {} : { attributes: merged(now.attributes, attribute) }),
        ...(mustChange === true ? { mustChange } : {}),
      }))
      open.record('set', user.username)
      if (password === undefined) return
      open.record('password', user.username)
      await open.factors.replaceAll(user.id, DEVICE_FACTOR, [])
      await open.endSessions(user, 'password-changed')
    })
  const setDisabled = (disabled: boolean) => (name: string, options: Options) =>
    onUser(options, name, async (open, user) => {
      await open.records.change(user.id, (now) => ({ ...now, disabled }))
      open.record(disabled ? 'disable' : 'enable', user.username)
      if (disabled) await open.endSessions(user, 'user-disabled')
    })
  const remove = (name: string, options: Options): Promise<void> =>
    onUser(options, name, async (open, user) => {
      await open.records.remove(user.id)
      open.record('remove', user.username)
      await open.endSessions(user, 'user-removed')
      await open.factors.removeAll(user.id)
    })
  const list = (options: Options): Promise<void> =>
    managed(options, async ({ records }) => {
      const users = await records.list()
      terminal.out(options.json === true ? usersAsJson(users) : usersAsText(users))
    })
  const lockouts = (name: string, options: Options): Promise<void> =>
    run(options, async (open) => {
      const { waiting, failures } = await open.lockouts.of(name)
      terminal.out(
        options.json === true ? `${JSON.stringify({ waiting, failures })}\n` : lockoutsAsText(waiting, failures),
      )
    })
  const unlock = (name: string, options: Options): Promise<void> =>
    run(options, async (open) => {
      await open.lockouts.clear(name)
      open.record('unlock', name)
    })

  const group = (): Option => new Option('--group <name...>', 'groups, in place of those before').argParser(collect)
  const attribute = (): Option =>
    new Option('--attribute <name=value...>', 'attributes; without a value it goes').argParser(attributes)
  const named = (command: string, does: string): Command =>
    common(new Command(command).description(does)).addArgument(new Argument('<user>', 'the name, in any spelling'))
  return new Command('users')
    .description('managed users of a realm, and who has to wait after wrong passwords')
    .addCommand(
      named('add', 'add a user; the password is read from the terminal or from standard input')
        .addOption(group())
        .addOption(attribute())
        .option('--must-change', 'the password has to be changed at the first login')
        .action(add),
    )
    .addCommand(
      common(new Command('list').description('list the users'))
        .option('--json', 'print one JSON document')
        .action(list),
    )
    .addCommand(
      named('set', 'change a user')
        .addOption(group())
        .addOption(attribute())
        .option('--password', 'read a new password; sessions end')
        .option('--must-change', 'the password has to be changed at the next login')
        .action(set),
    )
    .addCommand(named('disable', 'let them in no more; sessions end').action(setDisabled(true)))
    .addCommand(named('enable', 'let them in again').action(setDisabled(false)))
    .addCommand(named('remove', 'remove the user with their second factors; sessions end').action(remove))
    .addCommand(
      named('lockouts', 'who has to wait before the next try at an account; of any directory')
        .option('--json', 'print one JSON document')
        .action(lockouts),
    )
    .addCommand(named('unlock', 'forget the failures at an account; of any directory').action(unlock))
}

function common(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(new Option('--realm <realm>', 'of this realm, as in /employees').makeOptionMandatory())
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/** Several of one name are one attribute with several values. */
function attributes(text: string, before: Options['attribute'] = {}): NonNullable<Options['attribute']> {
  const [, name = '', value = ''] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(text) ?? []
  if (name === '') throw new InvalidArgumentError('Write name=value.')
  return { ...before, [name]: value === '' ? [] : [...(before[name] ?? []), value] }
}

function merged(now: UserRecord['attributes'], set: NonNullable<Options['attribute']>): UserRecord['attributes'] {
  return Object.fromEntries(Object.entries({ ...now, ...set }).filter(([, values]) => values.length > 0))
}
