import { z } from 'zod'
import { judge, type Judged } from '../api/openam/policies/judged.ts'
import { parseResource } from '../api/openam/policies/resource.ts'
import type { EpochMs, RealmName } from '../base/brand.ts'
import type { RealmConfig } from '../config/snapshot.ts'
import { canonicalAddress } from '../http/forwarded.ts'
import { compilePolicies } from '../policy/compile.ts'
import { withChain } from '../policy/chains-passed.ts'
import type { AccessQuery } from '../policy/decision.ts'
import { NotThere } from './managed-realm.ts'
import { personOf, type Person } from './policy-person.ts'
import type { Terminal } from './terminal.ts'
import { plain } from './text-table.ts'

const texts = z.array(z.string())
const environment = z.record(z.string(), texts).nullish()

/** Who it was, as far as a recording says. An SSO token says it to OpenAM alone. */
const subject = z
  .object({
    username: z.string().optional(),
    claims: z.looseObject({ sub: z.string().optional() }).optional(),
    groups: texts.optional(),
    attributes: z.record(z.string(), texts).optional(),
    level: z.number().optional(),
    modules: texts.optional(),
    chains: texts.optional(),
    properties: z.record(z.string(), z.string()).optional(),
  })
  .nullish()

const answer = z.object({
  resource: z.string(),
  actions: z.record(z.string(), z.boolean()).optional(),
  advices: z.record(z.string(), texts).optional(),
})

const shared = { application: z.string().nullish(), subject, environment, at: z.string().optional() }

/** One decision a line. */
const single = z.object({
  ...shared,
  resource: z.string(),
  action: z.string(),
  decision: z.union([z.boolean(), z.enum(['allow', 'deny']).transform((word) => word === 'allow')]),
})

/** A call of `_action=evaluate`, as it was asked and answered. */
const evaluated = z.object({
  ...shared,
  request: z.object({ ...shared, resources: texts }),
  response: z.union([z.array(answer), answer.transform((one) => [one])]),
})

type Asked = z.infer<z.ZodObject<typeof shared>>

/** One decision of OpenAM's. */
export interface Recorded extends Asked {
  readonly resource: string
  /** `undefined`: all actions. */
  readonly action: string | undefined
  readonly allowed: Readonly<Record<string, boolean>>
  /** Names; `undefined` where nobody wrote them down. */
  readonly advices: readonly string[] | undefined
}

export interface Recordings {
  readonly recorded: readonly Recorded[]
  /** Numbers of lines that tell of no decision. */
  readonly unread: readonly number[]
}

/** Lines of JSON, or one JSON list of the same. */
export function readRecorded(text: string): Recordings {
  const unread: number[] = []
  const recorded = entriesIn(text).flatMap((entry, at) => {
    const found = decisionsIn(entry)
    if (found.length === 0) unread.push(at + 1)
    return found
  })
  return { recorded, unread }
}

function entriesIn(text: string): readonly unknown[] {
  const whole = parsed(text)
  if (Array.isArray(whole)) return whole
  if (whole !== undefined) return [whole]
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parsed(line)]))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function decisionsIn(entry: unknown): readonly Recorded[] {
  const one = single.safeParse(entry)
  if (one.success) {
    const { decision, action, ...rest } = one.data
    return [{ ...rest, action, allowed: { [action.toUpperCase()]: decision }, advices: undefined }]
  }
  const many = evaluated.safeParse(entry)
  if (!many.success) return []
  const { request, response, ...besides } = many.data
  return response.map(({ resource, actions = {}, advices = {} }) => ({
    ...request,
    subject: { ...request.subject, ...besides.subject },
    ...(besides.at === undefined ? {} : { at: besides.at }),
    resource,
    action: undefined,
    allowed: Object.fromEntries(Object.entries(actions).map(([name, value]) => [name.toUpperCase(), value])),
    advices: Object.keys(advices).sort(),
  }))
}

export interface Difference {
  readonly user: string
  readonly resource: string
  readonly what: string
  readonly theirs: string
  readonly ours: string
}

export interface Compared {
  readonly compared: number
  /** Decisions about nobody known, or about what is no address. */
  readonly skipped: number
  readonly differences: readonly Difference[]
}

export interface CompareOptions {
  readonly policies: Pick<RealmConfig, 'policies' | 'policySets'>
  /** Whose people are meant; without it all is in the recording. */
  readonly realm: RealmConfig | undefined
  readonly config: string
  readonly terminal: Pick<Terminal, 'env' | 'err'>
}

/** Asks the policies what OpenAM was asked. */
export async function compareDecisions({ recorded, unread }: Recordings, options: CompareOptions): Promise<Compared> {
  const { policies, policySets } = options.policies
  const pdp = compilePolicies(policies, policySets)
  const differences: Difference[] = []
  let skipped = unread.length
  for (const one of recorded) {
    const query = await questionOf(one, options)
    if (query === undefined) {
      skipped++
      continue
    }
    const names = policies
      .filter(({ policySet }) => policySet === query.policySet)
      .flatMap(({ actions }) => Object.keys(actions))
    const sets = new Map([
      [query.policySet, new Set([...names, ...Object.keys(one.allowed)].map((name) => name.toUpperCase()))],
    ])
    differences.push(...differencesOf(one, judge({ pdp, sets }, query)))
  }
  return { compared: recorded.length - (skipped - unread.length), skipped, differences }
}

async function questionOf(one: Recorded, options: CompareOptions): Promise<Omit<AccessQuery, 'action'> | undefined> {
  const { subject: said, environment: around } = one
  const username = said?.username ?? said?.claims?.sub
  const resource = parseResource(one.resource)
  const person = username === undefined ? undefined : await personIn(username, said, options)
  if (resource === undefined || username === undefined || person === undefined) return undefined
  const written = one.at === undefined ? Date.now() : Date.parse(one.at)
  const now = (Number.isNaN(written) ? Date.now() : written) as EpochMs
  const ip = around?.['requestIp']?.[0] ?? around?.['IP']?.[0]
  const chains = said?.chains ?? []
  return {
    policySet: one.application ?? 'iPlanetAMWebAgentService',
    resource,
    session: {
      realm: options.realm?.name ?? ('/' as RealmName),
      userId: person.id,
      username: person.username,
      authLevel: said?.level ?? 0,
      authModules: said?.modules ?? [],
      ...{ authInstant: now, createdAt: now },
      properties: { ...chains.reduce<Readonly<Record<string, string>>>(withChain, {}), ...said?.properties },
    },
    facts: person.facts,
    clientIp: (ip === undefined ? undefined : canonicalAddress(ip)) ?? '',
    now,
    clientNames: around?.['requestDnsName'],
    environment: new Map(Object.entries(around ?? {})),
    scopes: around?.['scope']?.flatMap((list) => list.split(' ')),
    claims: said?.claims,
  }
}

async function personIn(
  username: string,
  said: Recorded['subject'],
  { realm, config, terminal }: CompareOptions,
): Promise<Person | undefined> {
  const facts = { group: said?.groups, attribute: said?.attributes }
  if (realm === undefined)
    return { id: username, username, facts: { groups: new Set(said?.groups), attributes: said?.attributes ?? {} } }
  try {
    return await personOf(realm, username, { said: facts, config, terminal })
  } catch (caught) {
    if (caught instanceof NotThere) return undefined
    throw caught
  }
}

function differencesOf(one: Recorded, ours: Judged): readonly Difference[] {
  const about = { user: one.subject?.username ?? one.subject?.claims?.sub ?? '', resource: one.resource }
  const word = (allowed: boolean | undefined): string => (allowed === true ? 'allowed' : 'not allowed')
  const names =
    one.action === undefined
      ? new Set([...Object.keys(one.allowed), ...Object.keys(ours.actions)])
      : [one.action.toUpperCase()]
  // It is decided as GET here (RFC 9110 §9.3.2), whatever policies say of it.
  if (names instanceof Set && !Object.hasOwn(one.allowed, 'HEAD')) names.delete('HEAD')
  const actions = [...names].flatMap((name): readonly Difference[] => {
    const [theirs, own] = [word(one.allowed[name]), word(ours.actions[name])]
    return theirs === own ? [] : [{ ...about, what: name, theirs, ours: own }]
  })
  const advices = Object.keys(ours.advices).sort()
  const isSame = one.advices === undefined || one.advices.join() === advices.join()
  const told = (list: readonly string[]): string => list.join(', ') || 'none'
  return isSame ? actions : [...actions, { ...about, what: 'advices', theirs: told(one.advices), ours: told(advices) }]
}

/** Each once, and how many there are. */
export function comparisonAsText({ compared, skipped, differences }: Compared): string {
  const lines = differences.flatMap(({ user, resource, what, theirs, ours }) => [
    `${plain(user)} ${plain(what)} ${plain(resource)}`,
    `  OpenAM ${plain(theirs)}`,
    `  here   ${plain(ours)}`,
  ])
  const summary = `${compared} decisions compared, ${skipped} left out, ${differences.length} differ.`
  return `${[...lines, summary].join('\n')}\n`
}
