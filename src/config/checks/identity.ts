import type { ConfigProblem } from '../snapshot.ts'
import { errorIn, warningIn, type Check } from './check.ts'
import { ownCookies } from './own-cookies.ts'

/** What policies ask about is no secret, and nothing that the gateway says itself. */
export const checkEnvironment: Check = (input) => {
  const isOurs = ownCookies(input)
  return input.agents.flatMap(({ value: { environment, identity, clientAddressHeader: address }, source }) => {
    const said = (kind: 'headers' | 'cookies', own: readonly string[], about: string): readonly ConfigProblem[] =>
      Object.keys(environment[kind])
        .filter((name) => own.some((other) => lower(other) === lower(name)))
        .map((name) =>
          errorIn(
            source,
            ['environment', kind, name],
            `this ${kind.slice(0, -1)} tells the application ${about}; what a client says under its name counts for nothing`,
          ),
        )
    return [
      ...Object.keys(environment.cookies)
        .filter(isOurs)
        .map((name) =>
          errorIn(
            source,
            ['environment', 'cookies', name],
            "this is the name of a cookie of the gateway's own, whose value nobody may see",
          ),
        ),
      ...said('headers', Object.keys(identity.headers), 'who somebody is'),
      ...said('cookies', Object.keys(identity.cookies), 'who somebody is'),
      ...said('headers', address === undefined ? [] : [address], 'from where somebody comes'),
    ]
  })
}

/** No browser's token may be mistaken for what the gateway says, nor the other way round. */
export const checkIdentityCookies: Check = (input) => {
  const isOurs = ownCookies(input)
  return input.agents.flatMap(({ value, source }) =>
    Object.keys(value.identity.cookies)
      .filter(isOurs)
      .map((name) =>
        errorIn(
          source,
          ['identity', 'cookies', name],
          "this is the name of a cookie of the gateway's own; choose another",
        ),
      ),
  )
}

function lower(name: string): string {
  return name.toLowerCase()
}

/** Where no policy is asked, none says anything. */
export const checkResponseSources: Check = ({ agents }) =>
  agents
    .filter(({ value }) => value.ssoOnly)
    .flatMap(({ value: { identity }, source }) =>
      (['headers', 'cookies'] as const).flatMap((kind) =>
        Object.entries(identity[kind])
          .filter(([, from]) => from.startsWith('response:'))
          .map(([name]) =>
            warningIn(
              source,
              ['identity', kind, name],
              'no policy is asked here (ssoOnly), so there are no response attributes; leave it out or write policies',
            ),
          ),
      ),
    )
