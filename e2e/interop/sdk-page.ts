import { expect, type CDPSession, type Page } from '@playwright/test'

interface FRCallback {
  getType(): string
  getOutputByName(name: string, otherwise: string): string
  setInputValue(value: unknown): void
}

interface FRStep {
  readonly type: 'Step' | 'LoginSuccess' | 'LoginFailure'
  readonly callbacks?: readonly FRCallback[]
  getSessionToken?(): string | undefined
}

/** What is used of the SDK. */
interface Sdk {
  readonly Config: { set(options: object): void }
  readonly FRAuth: { start(options?: object): Promise<FRStep>; next(step: FRStep, options?: object): Promise<FRStep> }
  readonly FRWebAuthn: {
    getWebAuthnStepType(step: FRStep): number
    register(step: FRStep, name?: string): Promise<FRStep>
    authenticate(step: FRStep): Promise<FRStep>
  }
  readonly WebAuthnStepType: { readonly Registration: number; readonly Authentication: number; readonly None: number }
  readonly HttpClient: { request(options: object): Promise<Response> }
  readonly SessionManager: { logout(): Promise<Response> }
}

/** A step as a person would see it. */
interface Seen {
  readonly type: FRStep['type']
  readonly callbacks: readonly (readonly [type: string, text: string])[]
  readonly webauthn: 'sets up' | 'proves' | undefined
  readonly token: string | undefined
}

interface Shared {
  codeOf: (secret: string) => Promise<string>
  sdk: Sdk
  step: FRStep
  show: (step: FRStep) => Seen
  fill: (step: FRStep, answers: readonly string[]) => FRStep
}

export async function openApp(page: Page, site: string, login: string): Promise<void> {
  await page.goto(`${site}/`)
  await expect(page.locator('body')).toContainText('ready')
  await page.evaluate((baseUrl) => {
    const shared = globalThis as unknown as Shared
    const { Config, FRWebAuthn, WebAuthnStepType } = shared.sdk
    Config.set({ serverConfig: { baseUrl, timeout: 20_000 }, realmPath: 'staff', platformHeader: true })
    shared.show = (step) => {
      const kind = step.type === 'Step' ? FRWebAuthn.getWebAuthnStepType(step) : WebAuthnStepType.None
      return {
        type: step.type,
        callbacks: (step.callbacks ?? []).map((each) => [
          each.getType(),
          each.getOutputByName('message', each.getOutputByName('prompt', '')),
        ]),
        webauthn:
          kind === WebAuthnStepType.Registration ? 'sets up' : kind === WebAuthnStepType.None ? undefined : 'proves',
        token: step.getSessionToken?.(),
      }
    }
    shared.fill = (step, answers) => {
      const asking = (step.callbacks ?? []).filter((each) =>
        ['NameCallback', 'PasswordCallback'].includes(each.getType()),
      )
      for (const [index, answer] of answers.entries()) asking[index]?.setInputValue(answer)
      return step
    }
  }, `${login}/am`)
}

/** The first step of a chain. */
export function start(page: Page, tree?: string): Promise<Seen> {
  return page.evaluate(async (tree) => {
    const shared = globalThis as unknown as Shared
    shared.step = await shared.sdk.FRAuth.start(tree === undefined ? {} : { tree })
    return shared.show(shared.step)
  }, tree)
}

/** Answers what is asked, in order. */
export function next(page: Page, ...answers: readonly string[]): Promise<Seen> {
  return page.evaluate(async (answers) => {
    const shared = globalThis as unknown as Shared
    shared.step = await shared.sdk.FRAuth.next(shared.fill(shared.step, answers))
    return shared.show(shared.step)
  }, answers)
}

/** Has the browser's key answer. */
export function touch(page: Page): Promise<Seen> {
  return page.evaluate(async () => {
    const shared = globalThis as unknown as Shared
    const { FRAuth, FRWebAuthn, WebAuthnStepType } = shared.sdk
    const isNew = FRWebAuthn.getWebAuthnStepType(shared.step) === WebAuthnStepType.Registration
    const answered = isNew
      ? await FRWebAuthn.register(shared.step, 'My key')
      : await FRWebAuthn.authenticate(shared.step)
    shared.step = await FRAuth.next(answered)
    return shared.show(shared.step)
  })
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What the application's own script gets. */
export function call(page: Page, path: string, init: Sent = {}): Promise<{ status: number; challenge: string }> {
  return page.evaluate(
    async ([path, init]) => {
      const { status, headers } = await fetch(path, init)
      return { status, challenge: headers.get('www-authenticate') ?? '' }
    },
    [path, init] as const,
  )
}

interface SteppedUp {
  readonly status: number
  readonly body: string
  readonly url: string
  readonly asked: readonly Seen[]
}

/** A request of the SDK's client, which answers each step it is asked on the way with the next of `answers`. */
export function request(page: Page, url: string, answers: readonly (readonly string[])[]): Promise<SteppedUp> {
  return page.evaluate(
    async ([url, answers]) => {
      const { sdk, show, fill, codeOf } = globalThis as unknown as Shared
      const asked: Seen[] = []
      const handleStep = async (step: FRStep): Promise<FRStep> => {
        const seen = show(step)
        asked.push(seen)
        const secret = seen.callbacks.flatMap(([, text]) => /: ([A-Z2-7]{32})$/.exec(text)?.[1] ?? [])[0]
        return fill(step, secret === undefined ? (answers[asked.length - 1] ?? []) : [await codeOf(secret)])
      }
      const answer = await sdk.HttpClient.request({
        url,
        init: {
          method: 'POST',
          credentials: 'include',
          body: '{"to":"bob"}',
          headers: { 'content-type': 'application/json' },
        },
        timeout: 20_000,
        bypassAuthentication: true,
        requiresNewToken: () => false,
        authorization: { handleStep },
      })
      return { status: answer.status, body: await answer.text(), url: answer.url, asked }
    },
    [url, answers] as const,
  )
}

export function logout(page: Page): Promise<object> {
  return page.evaluate(async () => {
    const answer = await (globalThis as unknown as Shared).sdk.SessionManager.logout()
    const body: unknown = await answer.json()
    return [answer.status, body]
  })
}

export async function plugIn(page: Page): Promise<CDPSession> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const how = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true } as const
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...how, isUserVerified: true, automaticPresenceSimulation: true },
  })
  return cdp
}

/** What the login host says of the session, to a script of the page. */
export function sessionInfo(page: Page, login: string): Promise<Record<string, unknown>> {
  return page.evaluate(async (url) => {
    const headers = { 'Accept-API-Version': 'resource=4.0', 'X-Requested-With': 'forgerock-sdk' }
    const answer = await fetch(url, { method: 'POST', credentials: 'include', headers })
    return (await answer.json()) as Record<string, unknown>
  }, `${login}/json/realms/root/realms/staff/sessions?_action=getSessionInfo`)
}
