/** A version of a resource, as in `Accept-API-Version: resource=2.1`. */
export interface ApiVersion {
  readonly major: number
  readonly minor: number
}

/** Whether a version has what `first` brought. */
export function isSince({ major, minor }: ApiVersion, first: ApiVersion): boolean {
  return major > first.major || (major === first.major && minor >= first.minor)
}

export type VersionChoice =
  | { readonly kind: 'chosen'; readonly version: ApiVersion; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly message: string }

const NAMED = /^\s*(resource|protocol)\s*=\s*(\d{1,3})\.(\d{1,3})\s*$/
const LONGEST = 100

/**
 * Chooses among the versions that a resource has, newest last. A request gets the newest one of the major version it names if that
 * is no older than asked; without a version, the newest there is.
 */
export function chooseVersion(header: string | undefined, versions: readonly ApiVersion[]): VersionChoice {
  const asked = header === undefined ? {} : readHeader(header)
  if (asked === undefined) {
    return {
      kind: 'refused',
      status: 400,
      message: 'Accept-API-Version: write resource=MAJOR.MINOR, protocol=MAJOR.MINOR',
    }
  }
  const { resource, protocol = { major: 1, minor: 0 } } = asked
  const fits = ({ major, minor }: ApiVersion): boolean =>
    resource === undefined || (major === resource.major && minor >= resource.minor)
  const version = versions.findLast(fits)
  if (version === undefined || protocol.major < 1 || protocol.major > 2) {
    const missing = version === undefined ? resource : protocol
    const message = `Accept-API-Version: Requested version "${written(missing)}" does not match any routes.`
    return { kind: 'refused', status: 404, message }
  }
  const headers = { 'content-api-version': `protocol=${written(protocol)},resource=${written(version)}` }
  return { kind: 'chosen', version, headers }
}

function written(version: ApiVersion | undefined): string {
  return version === undefined ? '' : `${version.major}.${version.minor}`
}

type Asked = Partial<Record<'resource' | 'protocol', ApiVersion>>

function readHeader(header: string): Asked | undefined {
  if (header.length > LONGEST) return undefined
  const asked: Asked = {}
  for (const part of header.split(',')) {
    const [, name, major, minor] = NAMED.exec(part) ?? []
    if ((name !== 'resource' && name !== 'protocol') || asked[name] !== undefined) return undefined
    asked[name] = { major: Number(major), minor: Number(minor) }
  }
  return asked
}
