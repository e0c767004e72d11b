/** What has to be known beside a document of OpenAM to say the same here. */
export interface Translation {
  /** The realm in OpenAM whose people and groups documents name; people of another one are nobody here. */
  readonly realm: string
  /** What a module is called here; `undefined` for one that is not here. */
  moduleOf(name: string): string | undefined
  /** The same for a chain, service or tree. */
  chainOf(name: string): string | undefined
  /** Whose clock counts where a time does not say. */
  readonly timeZone: string | undefined
  /**
   * Written for us, not for another server: what it asks about users and sessions is what is known of them here. Of a foreign one nobody
   * knows whether an attribute that a deny names has come along.
   */
  readonly isOurs: boolean
}
