/*
 * How applications read a path. Every function turns one reading into another one that some server, framework or file system is
 * known to make of it; their closure is what a target may mean.
 */
type Reading = (path: string) => string

const READINGS: readonly Reading[] = [
  percentDecoded,
  (path) => resolveDots(path),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => path.toLowerCase(),
  (path) => utf8(path).normalize('NFKC'),
  (path) => path.replace(/[\0\r\n#?;].*$/s, ''),
  (path) => path.replace(/[\u0000-\u0020\u007f]|\u00c2[\u0080-\u00a0]/g, ''),
  (path) => path.replace(/[. ]+(?=\/|$)/g, ''),
  (path) => path.replace(/\u00c0\u00ae/g, '.').replace(/\u00f0\u0080\u0080\u00ae/g, '.'),
]

const MOST = 400

/** Every path that the target may be read as, itself first. The query is no part of it. */
export function interpretations(target: string): ReadonlySet<string> {
  const [path = ''] = target.split('?', 1)
  const found = new Set([path])
  for (const each of found) {
    if (found.size > MOST) break
    for (const read of READINGS) found.add(rooted(read(each)))
  }
  return found
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

/** Bytes, latin1: what cannot be decoded stays. */
function percentDecoded(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function utf8(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

function resolveDots(path: string): string {
  const out: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') out.pop()
    else if (segment !== '.') out.push(segment)
  }
  return `/${out.join('/')}`
}
