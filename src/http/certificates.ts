import { constants, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { fault } from '../errors.ts'
import type { ListenerConfig } from './listener.schema.ts'

type TlsConfig = NonNullable<ListenerConfig['tls']>

/** The certificates of one listener, ready to choose from. */
export interface CertificateSet {
  /** For `setSecureContext`: the first certificate, for clients that send no name. */
  readonly fallback: SecureContextOptions
  /** By exact name, else by the wildcard one label up, else the first. */
  choose(serverName: string): SecureContext
}

/** Compiles and checks the pairs; a fault GH_CONFIG_INVALID names the entry, and the running set stays in force. */
export function compileCertificates(tls: TlsConfig): CertificateSet {
  const shared: SecureContextOptions = {
    minVersion: tls.minVersion,
    // A certificate changed in the middle of a connection, or brought along in a ticket, is one that nobody asked for.
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | (tls.clientCertificates === undefined ? 0 : constants.SSL_OP_NO_TICKET),
    ...(tls.clientCertificates?.ca === undefined ? {} : { ca: tls.clientCertificates.ca }),
  }
  const byName = new Map<string, SecureContext>()
  const entries = tls.certificates.map((pair, index) => {
    const options = { ...shared, cert: pair.cert, key: pair.key }
    const context = contextOf(options, index)
    for (const name of namesOf(pair.cert, index)) if (!byName.has(name)) byName.set(name, context)
    return { options, context }
  })
  const [first] = entries
  if (first === undefined) throw fault('GH_CONFIG_INVALID', { detail: 'tls.certificates is empty' })
  return {
    fallback: first.options,
    choose(serverName) {
      const name = serverName.toLowerCase()
      const dot = name.indexOf('.')
      return byName.get(name) ?? (dot === -1 ? undefined : byName.get(`*${name.slice(dot)}`)) ?? first.context
    },
  }
}

function contextOf(options: SecureContextOptions, index: number): SecureContext {
  try {
    return createSecureContext(options)
  } catch (cause) {
    throw fault('GH_CONFIG_INVALID', { cause, detail: `tls.certificates[${index}]: certificate and key do not work` })
  }
}

function namesOf(cert: string, index: number): readonly string[] {
  try {
    const alternatives = new X509Certificate(cert).subjectAltName ?? ''
    return alternatives
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry.startsWith('DNS:'))
      .map((entry) => entry.slice(4).toLowerCase())
  } catch (cause) {
    throw fault('GH_CONFIG_INVALID', { cause, detail: `tls.certificates[${index}].cert cannot be read` })
  }
}
