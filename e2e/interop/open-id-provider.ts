import { exportJWK, generateKeyPair } from 'jose'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '../client.ts'
import { interactionPolicy, Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'

/** A foreign OpenID provider in this process, where everybody in `people` signs in by their name alone. */
export interface ForeignProvider {
  readonly issuer: string
  readonly provider: Provider
  /** How often the token endpoint was called, `refresh_token of erin`, and that for revocations: `revocation`. */
  readonly calls: Record<string, number>
  /** Awaited before the token endpoint answers. */
  hold: (grant: string) => Promise<void>
  close(): Promise<void>
}

export interface ForeignOptions {
  readonly redirectUris: readonly string[]
  readonly postLogoutUris?: readonly string[]
  readonly backchannelLogoutUri?: string
  readonly claims?: (sub: string) => Readonly<Record<string, unknown>>
  /** Seconds. */
  readonly accessTokenLife?: number
}

export const FOREIGN_SECRET = 'a secret of the foreign provider'

export async function startForeignProvider(options: ForeignOptions): Promise<ForeignProvider> {
  const {
    redirectUris,
    postLogoutUris = [],
    backchannelLogoutUri,
    claims = () => ({}),
    accessTokenLife = 3_600,
  } = options
  const calls: Record<string, number> = {}
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'gatehouse',
        client_secret: FOREIGN_SECRET,
        redirect_uris: [...redirectUris],
        post_logout_redirect_uris: [...postLogoutUris],
        grant_types: ['authorization_code', 'refresh_token'],
        ...(backchannelLogoutUri === undefined
          ? {}
          : { backchannel_logout_uri: backchannelLogoutUri, backchannel_logout_session_required: true }),
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['cookies of the foreign provider'] },
    claims: { openid: ['sub', 'acr'], email: ['email', 'email_verified'], profile: ['department', 'groups'] },
    conformIdTokenClaims: false,
    acrValues: ['urn:mfa'],
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<html><body>${form}<button form="op.logoutForm" name="logout" value="yes">out</button></body></html>`
        },
      },
    },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...claims(sub) }) }),
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    ttl: {
      AccessToken: accessTokenLife,
      IdToken: 3_600,
      Grant: 3_600,
      Interaction: 600,
      Session: 3_600,
      RefreshToken: 3_600,
    },
    // Names of the gateway resolve nowhere.
    fetch: async (url, { body } = {}) => {
      const address = url instanceof Request ? url.url : String(url)
      const form = Object.fromEntries(
        new URLSearchParams(typeof body === 'string' || body instanceof URLSearchParams ? body : ''),
      )
      const answer = await new Client().call(address, { form, headers: { origin: 'https://op.example' } })
      return new Response(answer.body, { status: answer.status })
    },
    interactions: { policy: askingForAcr(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  }
  const provider = new Provider(issuer, configuration)
  const built: ForeignProvider = {
    issuer,
    provider,
    calls,
    hold: () => Promise.resolve(),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) {
      await next()
      return
    }
    const details = await provider.interactionDetails(ctx.req, ctx.res)
    const name = ctx.query['as']
    if (details.prompt.name === 'login') {
      if (name === 'deny') {
        await provider.interactionFinished(
          ctx.req,
          ctx.res,
          { error: 'access_denied' },
          { mergeWithLastSubmission: false },
        )
        return
      }
      if (typeof name !== 'string') {
        ctx.body = `sign in as, asked ${String(details.params['acr_values'])} ${String(details.params['login_hint'])}`
        return
      }
      const wanted = typeof details.params['acr_values'] === 'string' ? { acr: details.params['acr_values'] } : {}
      const weak = ctx.query['weak'] === 'yes' ? {} : wanted
      await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: name, ...weak } })
      return
    }
    const grant = new provider.Grant({ accountId: details.session?.accountId ?? '', clientId: 'gatehouse' })
    grant.addOIDCScope('openid email profile offline_access')
    await provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } })
  })
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.path === '/token/revocation') calls['revocation'] = (calls['revocation'] ?? 0) + 1
    if (ctx.path !== '/token') return
    const { params, entities } = ctx['oidc'] as KoaContextWithOIDC['oidc']
    const grant = String(params?.['grant_type'])
    const call = `${grant} of ${entities.Account?.accountId ?? 'nobody'}`
    calls[call] = (calls[call] ?? 0) + 1
    await built.hold(grant)
  })
  const handle = provider.callback()
  server.on('request', (request, response) => void handle(request, response))
  return built
}

/** Whoever has proved less than the client asks for signs in again. */
function askingForAcr(): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base()
  const isLess = (params: Readonly<Record<string, unknown>> | undefined, acr: string | undefined): boolean =>
    typeof params?.['acr_values'] === 'string' && params['acr_values'] !== acr
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check('acr', 'more is asked for', (ctx) =>
        isLess(ctx.oidc.params, ctx.oidc.session?.acr)
          ? interactionPolicy.Check.REQUEST_PROMPT
          : interactionPolicy.Check.NO_NEED_TO_PROMPT,
      ),
    )
  return policy
}
