/** What is wrong with a certificate, for the audit trail. */
export type CertificateFault =
  | PathFault
  /** The request showed none. */
  | 'no-certificate'
  /** No certificate, one with an algorithm that does not count, or with something critical that is not understood. */
  | 'certificate-unreadable'
  | 'certificate-revoked'
  | 'revocation-unknown'
  /** It has no name that can be used, or one that no user has, or several. */
  | 'certificate-of-nobody'

/** What is wrong with the way to its authority. */
export type PathFault =
  | 'certificate-untrusted'
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  /** An authority in it may not issue this, or the certificate is not for signing in. */
  | 'certificate-unfit'
  | 'certificate-name-not-permitted'
