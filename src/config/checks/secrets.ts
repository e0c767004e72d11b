import type { ListenerConfig } from '../../http/listener.schema.ts'
import type { Path } from '../locator.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { warningIn, type Check, type CheckInput } from './check.ts'

interface Secret {
  readonly source: SourceDocument
  readonly path: Path
}

/** Every value of the configuration that opens something. */
function secretsOf({ gatehouse, agents, realms }: CheckInput): Secret[] {
  const found: Secret[] = []
  if (gatehouse !== undefined) {
    const { source, value } = gatehouse
    found.push({ source, path: ['secrets', 'masterKey'] }, ...storeSecrets(gatehouse))
    if (value.mail?.password !== undefined) found.push({ source, path: ['mail', 'password'] })
    if (value.sms !== undefined) found.push({ source, path: ['sms', 'secret'] })
    for (const at of value.secrets.previousMasterKeys.keys())
      found.push({ source, path: ['secrets', 'previousMasterKeys', at] })
    for (const [index, { tls }] of value.listeners.entries())
      found.push(...certificateKeys(source, ['listeners', index], tls))
    found.push(...certificateKeys(source, ['forwardAuth'], value.forwardAuth?.tls))
    found.push(...certificateKeys(source, ['forwardAuth', 'grpc'], value.forwardAuth?.grpc?.tls))
    if (value.forwardAuth?.secret !== undefined) found.push({ source, path: ['forwardAuth', 'secret'] })
  }
  for (const { source, value } of agents) {
    if (value.upstream?.tls?.key !== undefined) found.push({ source, path: ['upstream', 'tls', 'key'] })
  }
  for (const { realm } of realms) {
    if (realm?.value.directory.type === 'ldap')
      found.push({ source: realm.source, path: ['directory', 'bind', 'password'] })
  }
  return found
}

function certificateKeys(source: SourceDocument, path: Path, tls: ListenerConfig['tls']): Secret[] {
  const certificates = tls?.certificates ?? []
  return [...certificates.keys()].map((at) => ({ source, path: [...path, 'tls', 'certificates', at, 'key'] }))
}

function storeSecrets({ source, value }: NonNullable<CheckInput['gatehouse']>): Secret[] {
  const { url, redis } = value.store
  const paths: Path[] = []
  if (url?.includes('@') === true) paths.push(['store', 'url'])
  if (redis?.password !== undefined) paths.push(['store', 'redis', 'password'])
  if (redis?.sentinelPassword !== undefined) paths.push(['store', 'redis', 'sentinelPassword'])
  if (redis?.tls?.key !== undefined) paths.push(['store', 'redis', 'tls', 'key'])
  return paths.map((path) => ({ source, path }))
}

/** Secrets written into the files end up in version control; secret files that everybody may read are none. */
export const checkSecrets: Check = (input) =>
  secretsOf(input).flatMap(({ source, path }): ConfigProblem[] => {
    const filled = source.filled(path)
    if (filled === undefined) {
      return [warningIn(source, path, 'this secret stands in the file itself; use ${env:NAME} or ${file:PATH}')]
    }
    const open = filled.files.some((file) => {
      const answer = input.referenced.get(file)
      return answer?.kind === 'read' && answer.worldReadable
    })
    if (!open) return []
    return [
      warningIn(source, path, `every user of this machine may read the file behind ${filled.written}; chmod 600 it`),
    ]
  })
