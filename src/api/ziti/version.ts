import type { Call, ZitiDeps } from './call.ts'
import { ok, type Reply } from './reply.ts'

/** `GET version`: what a client asks before anything else, to learn where the APIs are. */
export function version({ version: own, loginOrigin }: ZitiDeps, _call: Call): Reply {
  const api = (path: string): object => ({ v1: { apiBaseUrls: [`${loginOrigin}${path}`], path } })
  const [client, management] = [api('/edge/client/v1'), api('/edge/management/v1')]
  return ok({
    apiVersions: { edge: client, 'edge-client': client, 'edge-management': management },
    ...{ buildDate: '', capabilities: [], revision: '', runtimeVersion: 'gatehouse', version: `v${own}` },
  })
}
