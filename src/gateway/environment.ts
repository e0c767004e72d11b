import type { IncomingMessage } from 'node:http'
import { findCookie } from '../http/cookies.ts'
import type { AccessQuery } from '../policy/decision.ts'
import type { EnvironmentConfig } from './environment.schema.ts'

/** What a request says of the environment that it comes from. */
export type ReadEnvironment = (
  request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
) => NonNullable<AccessQuery['environment']>

/** Nobody compares longer ones. */
const LONGEST = 1_024

/** `undefined` where the profile names nothing: then nothing is read. */
export function compileEnvironment({ headers, cookies }: EnvironmentConfig): ReadEnvironment | undefined {
  const named = Object.entries(headers).map(([name, key]) => ({ name: name.toLowerCase(), key }))
  const baked = Object.entries(cookies).map(([name, key]) => ({ name, key }))
  if (named.length + baked.length === 0) return undefined
  return (request) => {
    const found = new Map<string, readonly string[]>()
    const add = (key: string, values: readonly string[]): void => {
      if (values.length > 0) found.set(key, [...(found.get(key) ?? []), ...values])
    }
    for (const { name, key } of named) add(key, fitting(request.headersDistinct[name] ?? []))
    for (const { name, key } of baked) {
      const value = findCookie(request.headers.cookie, name)
      if (typeof value === 'string') add(key, fitting([value]))
    }
    return found
  }
}

/** All or none: of a part nobody can say what the whole is. */
function fitting(values: readonly string[]): readonly string[] {
  return values.every((value) => value.length <= LONGEST) ? values : []
}
