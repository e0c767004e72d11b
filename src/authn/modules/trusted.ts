import { X509Certificate } from 'node:crypto'
import { sha256 } from '../../crypto/sha256.ts'
import { createAddressSet } from '../../http/forwarded.ts'
import type { User } from '../../identity/directory.ts'
import { fault } from '../../errors.ts'
import { ASSERTED_BY } from './asserted-by.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, FailureReason, ModuleOutcome } from './module.ts'
import { isPlainName, userNamed } from './named-user.ts'
import { judgeSecret } from './party-secret.ts'
import type { PartyConfig, TrustedConfig } from './trusted.schema.ts'

interface Party {
  readonly name: string
  readonly secret: string | undefined
  readonly mayCallFrom: (address: string) => boolean
  readonly maySpeakFor: (user: User) => boolean
}

interface Pinned {
  readonly party: Party
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly until: number
}

interface Compiled {
  readonly name: string
  readonly is: string
  readonly parties: ReadonlyMap<string, Party>
  /** By SHA-256 of the DER. */
  readonly certificates: ReadonlyMap<string, Pinned>
  readonly deps: AuthModuleDeps
}

/** A server of the configuration says who somebody is. Which server it is, it proves with every request. */
export const trustedModule: AuthModuleType<TrustedConfig> = {
  type: 'trusted',
  compile: (name, config, deps) => {
    const compiled = compileParties(name, config, deps)
    return {
      name,
      type: 'trusted',
      use: 'first',
      authLevel: config.authLevel,
      isSilent: true,
      process: (input) => judge(input, compiled),
    }
  },
}

function compileParties(name: string, { parties, user }: TrustedConfig, deps: AuthModuleDeps): Compiled {
  const compiled = new Map<string, Party>()
  const certificates = new Map<string, Pinned>()
  for (const [partyName, config] of Object.entries(parties)) {
    const party = compileParty(partyName, config)
    compiled.set(partyName, party)
    for (const pem of config.certificates ?? []) {
      const { raw, validFromDate, validToDate } = new X509Certificate(pem)
      const key = sha256(raw)
      if (certificates.has(key)) {
        throw fault('GH_CONFIG_INVALID', { detail: `module ${name}: two parties have one certificate` })
      }
      certificates.set(key, { party, from: validFromDate.getTime(), until: validToDate.getTime() })
    }
  }
  return { name, is: user.is, parties: compiled, certificates, deps }
}

function compileParty(name: string, { secret, networks, groups }: PartyConfig): Party {
  const addresses = networks && createAddressSet(networks)
  return {
    name,
    secret,
    mayCallFrom: (address) => addresses === undefined || addresses.has(address),
    maySpeakFor: (user) => groups === undefined || groups.some((group) => user.groups.has(group)),
  }
}

async function judge(input: AuthModuleInput, compiled: Compiled): Promise<ModuleOutcome> {
  const { presented, origin } = input
  const { assertedUser } = presented
  if (assertedUser === undefined) return failed('no-assertion')
  const party = await callerOf(input, compiled)
  if (party === undefined || party === 'throttled') {
    return failed(party === undefined ? 'unknown-party' : 'party-throttled')
  }
  const by = party.name
  if (!party.mayCallFrom(origin.clientIp ?? '')) return failed('party-elsewhere', by)
  const { directory } = compiled.deps
  // Enabled users of this realm, and nobody else: no directory finds others.
  const user = isPlainName(assertedUser) ? await userNamed(directory, compiled.is, assertedUser) : undefined
  if (user === undefined) return failed('asserted-nobody', by)
  if (!party.maySpeakFor(user)) return failed('party-not-allowed', by, user.username)
  return { kind: 'passed', user, properties: { [ASSERTED_BY]: by } }
}

function failed(reason: FailureReason, assertedBy?: string, username?: string): ModuleOutcome {
  return { kind: 'failed', reason, username, ...(assertedBy === undefined ? {} : { assertedBy }) }
}

/** A secret, where one is sent, counts alone: a certificate beside it, which a proxy adds to every request, does not mend a wrong one. */
function callerOf(input: AuthModuleInput, compiled: Compiled): Promise<Party | 'throttled' | undefined> {
  const { presented } = input
  return presented.basic === undefined
    ? Promise.resolve(partyByCertificate(input, compiled))
    : partyBySecret(input, presented.basic, compiled)
}

/** Whoever shows it has proved to hold its key (TLS 1.3, RFC 8446 §4.4.3), to us or to the proxy that names it. */
function partyByCertificate({ presented }: AuthModuleInput, { certificates, deps }: Compiled): Party | undefined {
  const shown = presented.certificate()
  const pinned = shown === undefined || shown === 'unreadable' ? undefined : certificates.get(sha256(shown.leaf))
  const now = deps.clock()
  return pinned !== undefined && pinned.from <= now && now <= pinned.until ? pinned.party : undefined
}

async function partyBySecret(
  { origin }: AuthModuleInput,
  { username, password }: { readonly username: string; readonly password: string },
  { name, parties, deps }: Compiled,
): Promise<Party | 'throttled' | undefined> {
  const party = parties.get(username)
  const attempt = { kind: name, name: username, secret: password, stored: party?.secret, clientIp: origin.clientIp }
  const { kind } = await judgeSecret(attempt, deps)
  if (kind === 'throttled') return 'throttled'
  return kind === 'right' ? party : undefined
}
