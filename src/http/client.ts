/** Who is on the other end, after trusted proxies were taken into account. Computed once per request. */
export interface Client {
  /**
   * Canonical textual form: IPv4, or IPv6 compressed; IPv4-mapped addresses as IPv4. Empty where a trusted proxy does not say it
   * in a form that can be read: nobody is to guess then.
   */
  readonly ip: string
  readonly scheme: 'http' | 'https'
  /** The TCP peer itself. */
  readonly peer: string
}
