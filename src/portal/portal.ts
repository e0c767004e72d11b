import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { RealmName } from '../base/brand.ts'
import { formBody } from './form-body.ts'
import { lookSchema } from './look.schema.ts'
import { loginCookies } from '../authn/login-cookies.ts'
import { PASSWORD_PATH } from './password-view.ts'
import type { PortalParts } from './portal-parts.ts'
import type { PortalRealm } from './ports.ts'
import { compileRealm, compileRealms, originOf, type CompiledRealm } from './realms.ts'
import { showAccount, submitAccount } from './routes/account.ts'
import { AGENT_AUTHORIZE, AGENT_KEYS, isOfAgent, showAgentAuthorize, showAgentKeys } from './routes/agent-authorize.ts'
import { answerError, answerFault } from './routes/errors.ts'
import { SAML_ALIAS, SAML_IDP, SAML_INIT, SAML_METADATA, serveSamlIdp } from './routes/saml-idp.ts'
import { showFactor, showSetUp, submitFactor, submitSetUp } from './routes/factors.ts'
import { showCdcServlet } from './routes/cdcservlet.ts'
import { sendAsset, sendTheme } from './routes/files.ts'
import { showHome } from './routes/home.ts'
import { showLegacyLogin, showLegacyLogout } from './routes/legacy-login.ts'
import { receiveLogout, showCallback } from './routes/oidc.ts'
import { SAML_LOGOUT, SAML_LOGOUT_INIT, serveSamlLogout, showSamlLogoutInit } from './routes/saml-logout.ts'
import { LONGEST_SAML_FORM, receiveSamlResponse, SAML_CONSUMER, showSamlArrival } from './routes/saml.ts'
import { serveIssuer } from './routes/oauth2.ts'
import { showLogin, submitLogin } from './routes/login.ts'
import { showLoginState } from './routes/login-state.ts'
import { showPassword, submitPassword } from './routes/password.ts'
import { showDeparture, submitDeparture } from './routes/departure.ts'
import { showLoggedOut, showLogout, submitLogout } from './routes/logout.ts'
import { defaultHeaders, securityHeaders } from './security-headers.ts'
import { openVisit, type Visit } from './visit.ts'

/** What the pages are made from; the rest of `PortalParts` is worked out of it. */
export interface PortalDeps extends Omit<PortalParts, 'origin' | 'cookies' | 'realms' | 'defaultRealm'> {
  /** Where people reach the login host: scheme, host and port. */
  readonly loginUrl: string
  /** Name of the SSO cookie without a prefix. */
  readonly cookieName: string
  /** Whether the SSO cookie outlives the browser. */
  readonly cookiePersistent: boolean
  readonly realms: Iterable<PortalRealm>
}

export type PortalHandler = (request: IncomingMessage, response: ServerResponse) => void

type Route = (parts: PortalParts, visit: Visit) => Promise<void> | void

const ISSUER = /^\/oauth2\/.+/
/** Where the provider's own pages send what people say: the library reads all other bodies itself. */
const ISSUER_FORM = /^\/oauth2\/.+\/interaction\/[\w-]+$/
const FORM_METHODS = 'GET, HEAD, POST'
const LOGIN = /^\/login(?:\/.*)?$/
const OIDC_CALLBACK = /^\/oidc\/.+\/callback$/
const OIDC_LOGOUT = /^\/oidc\/.+\/backchannel-logout$/
/** As OpenAM has them, in its usual places. */
const UI_LOGIN = /^\/(?:am\/|openam\/)?(?:UI\/Login|XUI\/?)$/
const UI_LOGOUT = /^\/(?:am\/|openam\/)?UI\/Logout$/
const CDC_SERVLET = /^\/(?:am\/|openam\/)?cdcservlet$/

/** The pages of the login host, for one configuration generation. Every request is answered, faults included. */
export function createPortal(deps: PortalDeps): PortalHandler {
  const parts = partsOf(deps)
  const app = express()
  app.disable('x-powered-by').disable('etag').set('query parser', false)
  app.enable('case sensitive routing').enable('strict routing')
  app.use(defaultHeaders, securityHeaders(parts.cookies.secure))
  addFiles(app, parts)
  addHealth(app, parts)

  const form = formBody()
  const on = (route: Route) => async (request: Request, response: Response) =>
    route(parts, openVisit(parts, request, response))
  app.route('/').get(on(showHome)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route('/login-state').get(on(showLoginState)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route(LOGIN).get(on(showLogin)).post(form, on(submitLogin)).all(refuseMethod(parts, 'GET, HEAD, POST'))
  app.route('/logout').get(on(showLogout)).post(form, on(submitLogout)).all(refuseMethod(parts, 'GET, HEAD, POST'))
  app.route('/account').get(on(showAccount)).post(form, on(submitAccount)).all(refuseMethod(parts, 'GET, HEAD, POST'))
  app.route('/account/factor').get(on(showFactor)).post(form, on(submitFactor)).all(refuseMethod(parts, FORM_METHODS))
  app.route(PASSWORD_PATH).get(on(showPassword)).post(form, on(submitPassword)).all(refuseMethod(parts, FORM_METHODS))
  app.route('/account/add').get(on(showSetUp)).post(form, on(submitSetUp)).all(refuseMethod(parts, FORM_METHODS))
  app.route(OIDC_CALLBACK).get(on(showCallback)).all(refuseMethod(parts, 'GET'))
  app.route(OIDC_LOGOUT).post(form, on(receiveLogout)).all(refuseMethod(parts, 'POST'))
  app.route('/leaving').get(on(showDeparture)).post(form, on(submitDeparture)).all(refuseMethod(parts, FORM_METHODS))
  app
    .route(SAML_CONSUMER)
    .get(on(showSamlArrival))
    .post(formBody({ limit: LONGEST_SAML_FORM }), on(receiveSamlResponse))
    .all(refuseMethod(parts, 'GET, POST'))
  app.route('/logged-out').get(on(showLoggedOut)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route(UI_LOGIN).get(on(showLegacyLogin)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route(UI_LOGOUT).get(on(showLegacyLogout)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route(CDC_SERVLET).get(on(showCdcServlet)).all(refuseMethod(parts, 'GET, HEAD'))
  app.route(AGENT_AUTHORIZE).get(ofAgent(parts, showAgentAuthorize)).all(ofAgent(parts, refuseAgentMethod))
  app.route(SAML_LOGOUT_INIT).get(on(showSamlLogoutInit)).all(refuseMethod(parts, 'GET, HEAD'))
  app.all(
    SAML_LOGOUT,
    formBody({ limit: LONGEST_SAML_FORM }),
    express.text({ type: 'text/xml', limit: LONGEST_SAML_FORM, inflate: false }),
    async (request, response, next) => {
      const isAnswered = ['GET', 'POST'].includes(request.method) && (await serveSamlLogout(parts, request, response))
      if (!isAnswered) next()
    },
  )
  for (const path of [SAML_IDP, SAML_ALIAS, SAML_INIT, SAML_METADATA]) {
    app.post(path, form)
    app.all(path, async (request, response, next) => {
      const isAnswered =
        ['GET', 'HEAD', 'POST'].includes(request.method) && (await serveSamlIdp(parts, request, response))
      if (!isAnswered) next()
    })
  }
  app.post(ISSUER_FORM, form)
  app.all(ISSUER, async (request, response, next) => {
    if (!(await serveIssuer(parts, request, response))) next()
  })
  app.get(AGENT_KEYS, (request, response, next) => {
    if (!showAgentKeys(parts, openVisit(parts, request, response))) next()
  })
  app.use(on(showNotFound))
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(error)
      return
    }
    answerFault(parts, openVisit(parts, request, response), error)
  })
  return app
}

function partsOf({ loginUrl, cookieName, cookiePersistent, realms, ...rest }: PortalDeps): PortalParts {
  const compiled = compileRealms(realms)
  return {
    ...rest,
    origin: originOf(loginUrl),
    cookies: loginCookies(loginUrl, { name: cookieName, persistent: cookiePersistent }),
    realms: compiled,
    defaultRealm: compiled.get('/' as RealmName) ?? ownLook(),
  }
}

/** Where no root realm is configured, pages without a realm look like the product itself. */
function ownLook(): CompiledRealm {
  return compileRealm({
    name: '/' as RealmName,
    look: lookSchema.parse(undefined),
    themeDir: '',
    realmSwitch: 'end',
    sites: [],
    goto: [],
  })
}

function addFiles(app: Express, parts: PortalParts): void {
  app.get(/^\/assets\/.+/, (request, response, next) => {
    if (!sendAsset(parts, request, response)) next()
  })
  app.get(/^\/theme\/.+/, async (request, response, next) => {
    if (!(await sendTheme(parts, request, response))) next()
  })
  app.get('/favicon.ico', (_request, response) => response.redirect(302, '/assets/favicon.svg'))
  app.get('/.well-known/jwks.json', (_request, response) => {
    response.set({ 'Cache-Control': 'public, max-age=300', 'Access-Control-Allow-Origin': '*' })
    response.set('Cross-Origin-Resource-Policy', 'cross-origin').type('application/jwk-set+json')
    response.send(JSON.stringify(parts.jwks()))
  })
}

function addHealth(app: Express, parts: PortalParts): void {
  app.get('/healthz', (_request, response) => response.json({ status: 'ok' }))
  app.get('/readyz', async (_request, response) => {
    const { problems, notices } = await parts.readiness.report()
    const isReady = problems.length === 0
    response.status(isReady ? 200 : 503).json({
      status: isReady ? 'ready' : 'not ready',
      ...(isReady ? {} : { problems }),
      ...(notices.length === 0 ? {} : { notices }),
    })
  })
}

function showNotFound(parts: PortalParts, visit: Visit): void {
  answerError(parts, visit, { kind: 'not-found', status: 404 })
}

/** Requests of agents; the provider answers all others. */
function ofAgent(parts: PortalParts, route: Route) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const visit = openVisit(parts, request, response)
    if (isOfAgent(visit)) await route(parts, visit)
    else next()
  }
}

function refuseAgentMethod(parts: PortalParts, visit: Visit): void {
  visit.setHeader('Allow', 'GET, HEAD')
  answerError(parts, visit, { kind: 'method-not-allowed', status: 405 })
}

function refuseMethod(parts: PortalParts, allow: string) {
  return (request: Request, response: Response): void => {
    response.setHeader('Allow', allow)
    answerError(parts, openVisit(parts, request, response), { kind: 'method-not-allowed', status: 405 })
  }
}
