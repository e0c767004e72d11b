import { action } from '../message-page.ts'
import type { MessageKey } from '../messages/en.ts'
import { originOf, type CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'

interface Leaving {
  readonly realm: CompiledRealm
  readonly url: string
  /** What people call the provider. */
  readonly provider: string
  readonly text: Extract<MessageKey, `leaving.${string}`>
}

/**
 * On to a provider, by a page that goes on by itself: browsers apply the `form-action` of the page before to every redirect that
 * follows a form, and where a provider's addresses are is not known when that page is made.
 */
export function showLeaving(visit: Visit, { realm, url, provider, text }: Leaving): void {
  visit.setHeader('Refresh', `0; url=${url}`)
  visit.page({
    status: 200,
    template: 'message',
    realm,
    view: (frame) => ({
      title: frame.say('leaving.title', { provider }),
      heading: frame.say('leaving.title', { provider }),
      paragraphs: [frame.say(text, { provider })],
      actions: [{ ...action(frame, 'leaving.go', url, 'button'), label: frame.say('leaving.go', { provider }) }],
      facts: [],
    }),
  })
}

/** The same by a form, for a provider that wants what we ask in one. */
export function showRelay(
  visit: Visit,
  { realm, url, provider, fields }: Omit<Leaving, 'text'> & { readonly fields: Readonly<Record<string, string>> },
): void {
  visit.page({
    status: 200,
    template: 'relay',
    realm,
    formTargets: [originOf(url)],
    view: (frame) => ({
      title: frame.say('leaving.title', { provider }),
      lead: frame.say('leaving.text', { provider }),
      action: url,
      fields: Object.entries(fields),
    }),
  })
}
