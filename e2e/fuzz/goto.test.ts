import type { BrowserCall } from '../attacks/browser.ts'
import { leadsNowhereElse } from '../attacks/oracles.ts'
import { ORIGINS } from '../attacks/rig-config.ts'
import { mutate, splice } from './mutate.ts'
import { fuzzInput, unseen, vectors, wellAnswered, type Fuzz } from './run.ts'
import type { Choices } from './seed.ts'

const GOTOS = [
  ...(vectors('goto') as readonly { readonly goto: string }[]).map(({ goto }) => goto),
  `${ORIGINS.app}/me`,
  `${ORIGINS.shop}/`,
  `${ORIGINS.login}/`,
  '/login/employees',
]
const STATE = `${'A'.repeat(43)}.0`

function gotoFrom(choices: Choices): string {
  const goto = choices.pick(GOTOS)
  if (choices.chance(0.15)) return splice(goto, choices.pick(GOTOS), choices)
  return choices.chance(0.8) ? mutate(goto, choices) : goto
}

/** As it goes into a query: encoded once, twice or not at all but for what would end the request line. */
function encoded(text: string, choices: Choices): string {
  if (choices.chance(0.6)) return encodeURIComponent(text)
  if (choices.chance(0.5)) return encodeURIComponent(encodeURIComponent(text))
  return text.replace(/[^\x21-\x7e]/g, (each) => encodeURIComponent(each))
}

interface Target {
  readonly url: string
  readonly call?: BrowserCall
}

function targetFrom(choices: Choices): Target {
  const goto = encoded(gotoFrom(choices), choices)
  const state = choices.chance(0.5) ? STATE : encoded(mutate(STATE, choices), choices)
  const agent = choices.chance(0.8) ? choices.pick(['app', 'shop', 'pay', 'club']) : encoded(gotoFrom(choices), choices)
  const code = encoded(mutate('A'.repeat(43), choices), choices)
  const form = { IDToken1: 'bob', IDToken2: 'wrong', authId: mutate('e30', choices), goto: gotoFrom(choices), state }
  const { login, app } = ORIGINS
  return choices.pick<Target>([
    { url: `${login}/login/employees?goto=${goto}` },
    { url: `${login}/login/employees?goto=${goto}&agent=${agent}&state=${state}` },
    { url: `${login}/login/employees?agent=${agent}&state=${state}&goto=${encodeURIComponent(app)}&goto=${goto}` },
    { url: `${login}/login/employees?goto=${goto}&ForceAuth=true&authIndexType=level&authIndexValue=${state}` },
    { url: `${login}/login/employees?goto=${goto}`, call: { form } },
    { url: `${login}/login/customers?realm=${goto}&goto=${goto}` },
    { url: `${login}/logout?goto=${goto}&agent=${agent}` },
    { url: `${login}/logged-out?goto=${goto}&agent=${agent}&realm=${goto}` },
    { url: `${app}/.gatehouse/callback?code=${code}&state=${state}` },
    { url: `${app}/.gatehouse/callback?code=${code}&state=${state}&goto=${goto}` },
    { url: `${app}/.gatehouse/logout?goto=${goto}` },
  ])
}

async function attempt({ rig, bob }: Fuzz, choices: Choices): Promise<void> {
  const { url, call } = targetFrom(choices)
  const client = choices.chance(0.5) ? bob.client : rig.browser()
  rig.tally.sent++
  const page = await unseen(rig, url, () => client.call(url, call))
  wellAnswered(rig, page, url)
  leadsNowhereElse(rig, page, url, url)
}

fuzzInput('goto and the handshake', attempt)
