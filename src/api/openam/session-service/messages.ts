import type { EndCause } from '../../../telemetry/audit.ts'

/** What an agent asks by PLL, the XML that OpenAM's older agents speak: to be told when a session ends. */
export interface AddListener {
  /** Come back in the answer. */
  readonly setId: string
  readonly requestId: string
  readonly agentToken: string
  readonly url: string
  readonly token: string
}

const ID = '[\\w.:-]{1,128}'
const DECLARATION = '(?:<\\?xml[^?<>]{0,100}\\?>\\s*)?'
/**
 * Exactly what the agents send, with space between elements: an XML parser would do far more than is wanted (XXE, entity bombs). Nowhere
 * do two runs of space meet: to share a long one out between them takes time by its square (ReDoS).
 */
const SET = new RegExp(
  `^${DECLARATION}<RequestSet vers="1\\.0" svcid="Session" reqid="(${ID})">\\s*<Request>\\s*<!\\[CDATA\\[([^]*)\\]\\]>\\s*</Request>\\s*</RequestSet>$`,
)
const REQUEST = new RegExp(
  `^${DECLARATION}<SessionRequest vers="1\\.0" reqid="(${ID})" requester="([A-Za-z0-9+/]{1,6000}={0,2})">\\s*<AddSessionListener>\\s*<URL>([^<>&\\s]{1,500})</URL>\\s*<SessionID>([^<>&\\s]{1,4000})</SessionID>\\s*</AddSessionListener>\\s*</SessionRequest>$`,
)
const REQUESTER = /^token:\s*(\S+)$/

/** `undefined` for everything else: nothing else is served. */
export function readAddListener(text: string): AddListener | undefined {
  const [, setId, inner] = SET.exec(text.trim()) ?? []
  const [, requestId, requester, url, token] = (inner === undefined ? undefined : REQUEST.exec(inner.trim())) ?? []
  const agentToken = REQUESTER.exec(Buffer.from(requester ?? '', 'base64').toString('utf8'))?.[1]
  if (setId === undefined || requestId === undefined || agentToken === undefined) return undefined
  return { setId, requestId, agentToken, url: url ?? '', token: token ?? '' }
}

/** `refused`: one text for every reason. */
export function answerTo({ setId, requestId }: AddListener, outcome: 'registered' | 'refused'): string {
  const inner =
    outcome === 'registered'
      ? '<OK></OK>'
      : '<Exception>Application token passed in, or session, is invalid</Exception>'
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ResponseSet vers="1.0" svcid="Session" reqid="${setId}"><Response><![CDATA[<SessionResponse vers="1.0" reqid="${requestId}"><AddSessionListener>${inner}</AddSessionListener></SessionResponse>]]></Response></ResponseSet>`
}

/** As OpenAM numbers them: what ended the session. */
const TYPES: Readonly<Partial<Record<EndCause, number>>> = { idle: 2, 'max-life': 3, logout: 4 }
const DESTROY = 5

/** The end of a session. `token` is the one that the agent has itself, and that opens nothing any more. */
export function notificationOf({
  token,
  cause,
  at,
}: {
  readonly token: string
  readonly cause: EndCause
  readonly at: number
}): string {
  const session = `<Session sid="${token}" stype="user" maxtime="0" maxidle="0" maxcaching="0" timeidle="0" timeleft="0" state="destroyed"></Session>`
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<NotificationSet vers="1.0" svcid="session" notid="${at}"><Notification><![CDATA[<SessionNotification vers="1.0" notid="${at}">${session}<Type>${TYPES[cause] ?? DESTROY}</Type><Time>${at}</Time></SessionNotification>]]></Notification></NotificationSet>`
}
