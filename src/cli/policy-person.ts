import type { RealmConfig } from '../config/snapshot.ts'
import type { Facts } from '../policy/decision.ts'
import { NotThere, withRealm } from './managed-realm.ts'
import type { Terminal } from './terminal.ts'

export interface Person {
  readonly id: string
  readonly username: string
  readonly facts: Facts
}

/** What is said of somebody in place of what the directory knows. */
export interface SaidFacts {
  readonly group?: readonly string[] | undefined
  readonly attribute?: Readonly<Record<string, readonly string[]>> | undefined
}

/**
 * Somebody of the realm, or whoever would be described so.
 * @throws NotThere where nobody is called so, and where the directory is not to be had here and nothing was said
 */
export async function personOf(
  realm: RealmConfig,
  username: string,
  {
    said,
    config,
    terminal,
  }: { readonly said: SaidFacts; readonly config: string; readonly terminal: Pick<Terminal, 'env' | 'err'> },
): Promise<Person> {
  if (said.group !== undefined || said.attribute !== undefined)
    return { id: username, username, facts: { groups: new Set(said.group), attributes: said.attribute ?? {} } }
  if (realm.directory.type === 'ldap')
    throw new NotThere(
      `the users of ${realm.name} are in a directory that is not asked here; say --group and --attribute`,
    )
  const found =
    realm.directory.type === 'file' ? fromFile(realm, username) : await fromStore(realm, username, { config, terminal })
  if (found === undefined) throw new NotThere(`nobody in ${realm.name} is called ${JSON.stringify(username)}`)
  return found
}

function fromFile({ users }: RealmConfig, username: string): Person | undefined {
  const user = users.find((each) => each.username === username)
  if (user === undefined) return undefined
  return { id: user.id ?? username, username, facts: { groups: new Set(user.groups), attributes: user.attributes } }
}

async function fromStore(
  { name }: RealmConfig,
  username: string,
  { config, terminal }: { readonly config: string; readonly terminal: Pick<Terminal, 'env' | 'err'> },
): Promise<Person | undefined> {
  let found: Person | undefined
  await withRealm({ config, realm: name }, terminal, async ({ records }) => {
    const user = await records.byName(username)
    if (user === undefined) return
    const { id, groups, attributes } = user
    found = { id, username: user.username, facts: { groups: new Set(groups), attributes } }
  })
  return found
}
