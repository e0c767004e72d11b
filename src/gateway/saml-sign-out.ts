import { sendRedirect, sendXml } from '../http/respond.ts'
import type { AccessRequest } from './access-request.ts'
import { answerRefusal, type AnswerContext } from './answers.ts'
import { onlyParameters } from './only-parameters.ts'
import { announcedLength, readBody } from './read-body.ts'
import type { SamlLogoutAnswer, SamlLogoutMessage } from './saml-sso.ts'
import type { Site } from './site.ts'

/** As Base64 in a form, what the gate reads of a message: 64 KiB. */
const LONGEST = 131_072

/**
 * `/.gatehouse/slo`: the provider elsewhere has signed somebody out, or answers that it has (SAML Profiles 2.0 §4.4). The message proves who
 * sent it; nothing else of the request counts, and no cookie.
 */
export async function receiveSamlLogout(request: AccessRequest, context: AnswerContext): Promise<void> {
  const { site, id, client } = request
  const { samlSso } = site
  if (samlSso?.receiveLogout === undefined) {
    answerRefusal(context, { kind: 'not-found', status: 404 })
    return
  }
  const message = await messageIn(request)
  if (message === undefined) answerRefusal(context, { kind: 'bad-request', status: 400, error: 'saml-encoding' })
  else answer(context, site, await samlSso.receiveLogout(message, { requestId: id, clientIp: client.ip }))
}

async function messageIn({ method, target, raw }: AccessRequest): Promise<SamlLogoutMessage | undefined> {
  if (method !== 'POST') return { binding: 'redirect', query: target.query ?? '' }
  const length = announcedLength(raw)
  if (length === undefined || length > LONGEST) return undefined
  const body = await readBody(raw, length)
  if (/^text\/xml(?:;|$)/i.test(raw.headers['content-type'] ?? ''))
    return { binding: 'soap', body: body.toString('utf8') }
  const only = onlyParameters(body.toString('latin1'))
  const response = only('SAMLResponse')
  const field = response ?? only('SAMLRequest')
  if (field === undefined) return undefined
  return { binding: 'post', field, relayState: only('RelayState'), isResponse: response !== undefined }
}

function answer(context: AnswerContext, site: Site, said: SamlLogoutAnswer): void {
  const { response } = context
  switch (said.kind) {
    case 'redirect':
      sendRedirect(response, { status: 303, location: said.url })
      break
    case 'soap':
      sendXml(response, { type: 'text/xml', xml: said.xml })
      break
    case 'signed-out':
      sendRedirect(response, { status: 303, location: site.signedOutUrl })
      break
    case 'refused':
      answerRefusal(context, { kind: 'bad-request', status: 400, error: said.reason })
  }
}
