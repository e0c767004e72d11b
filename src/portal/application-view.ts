import type { Application } from '../federation/oidc-op/applications.ts'
import type { Frame } from './frame.ts'
import { en, type MessageKey } from './messages/en.ts'
import { sayAgo, sayInstant } from './messages/language.ts'

/** The section of the account page on applications that were agreed to; `undefined` where there are none. */
export function applicationsView(frame: Frame, applications: readonly Application[], now: number) {
  if (applications.length === 0) return undefined
  return {
    title: frame.say('applications.title'),
    text: frame.say('applications.text'),
    rows: applications.map(({ id, title, scopes, agreedAt }) => ({
      id,
      title,
      about: scopes.map((scope) => scopeText(frame, scope)),
      agreed: {
        text: frame.say('applications.agreed', { ago: sayAgo(frame.language, now - agreedAt) }),
        iso: new Date(agreedAt).toISOString(),
        exact: sayInstant(frame.language, agreedAt),
      },
      label: frame.say('applications.take-back'),
      name: frame.say('applications.take-back-name', { client: title }),
    })),
  }
}

/** What a scope tells, in words; one of the configuration's own as it is. */
export function scopeText(frame: Frame, scope: string): string {
  const key = `consent.scope-${scope}`
  return isKey(key) ? frame.say(key) : scope
}

function isKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key)
}
