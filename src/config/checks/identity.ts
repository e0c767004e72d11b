import { errorIn, warningIn, type Check } from './check.ts'
import { ownCookies } from './own-cookies.ts'

/** What policies ask about is no secret, and no identity. */
export const checkEnvironment: Check = (input) => {
  const isOurs = ownCookies(input)
  return input.agents.flatMap(({ value: { environment, identity }, source }) => [
    ...Object.keys(environment.cookies)
      .filter(isOurs)
      .map((name) =>
        errorIn(
          source,
          ['environment', 'cookies', name],
          "this is the name of a cookie of the gateway's own, whose value nobody may see",
        ),
      ),
    ...Object.keys(environment.headers)
      .filter((name) => Object.keys(identity.headers).some((own) => lower(own) === lower(name)))
      .map((name) =>
        errorIn(
          source,
          ['environment', 'headers', name],
          'this header tells the application who somebody is; what a client says under its name counts for nothing',
        ),
      ),
  ])
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
