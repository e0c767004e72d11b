import type { Speak, Speech } from '../api/openam/authenticate/speech.ts'
import type { Clock } from '../base/clock.ts'
import { en, type MessageKey } from '../portal/messages/en.ts'
import { languageOf, negotiateLanguage, say, sayAgo } from '../portal/messages/language.ts'

/** What programs are told, out of the messages of the pages. */
export function speak({ locale, acceptLanguage }: Parameters<Speak>[0], clock: Clock): Speech {
  const language = languageOf(locale) ?? negotiateLanguage(acceptLanguage)
  return {
    tag: language.tag,
    say(text, parameters) {
      const key = [text, `login.${text}`].find((each) => Object.hasOwn(en, each))
      return key === undefined ? plain(text) : say(language, key as MessageKey, parameters)
    },
    ago: (at) => sayAgo(language, clock() - at),
  }
}

/** A module that no catalogue names is called as configurations call it. */
function plain(text: string): string {
  return text.replace(/^module\./, '')
}
