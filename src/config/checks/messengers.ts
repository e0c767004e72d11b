import type { ConfigProblem } from '../snapshot.ts'
import { errorIn, warningIn, type Check } from './check.ts'

const NEEDED = { email: 'mail', sms: 'sms' } as const

/** A module that sends codes with nothing to send them with; mails that cross a network in the clear. */
export const checkMessengers: Check = ({ gatehouse, realms }) => {
  if (gatehouse === undefined) return []
  const { source, value } = gatehouse
  const problems = realms.flatMap(({ realm }): ConfigProblem[] => {
    if (realm === undefined) return []
    return Object.entries(realm.value.authentication.modules).flatMap(([name, { type }]) => {
      if (type !== 'email' && type !== 'sms') return []
      if (value[NEEDED[type]] !== undefined) return []
      const message = `nothing sends these codes: add \`${NEEDED[type]}\` to gatehouse.yaml`
      return [errorIn(realm.source, ['authentication', 'modules', name, 'type'], message)]
    })
  })
  const { mail } = value
  const isHere = mail !== undefined && /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(mail.host)
  if (mail?.tls !== 'none' || isHere) return problems
  return [
    ...problems,
    warningIn(source, ['mail', 'tls'], 'codes cross the network in the clear; use starttls or implicit'),
  ]
}
