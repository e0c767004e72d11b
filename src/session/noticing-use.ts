import type { Session, SessionService } from './session.ts'

type Used = Pick<SessionService, 'resolve' | 'touch' | 'renew' | 'end'>

/** Tells of each use of a session besides noting it: whoever is told does what takes time beside the request. */
export function noticingUse(sessions: Used, tell: (session: Session) => void): Used {
  return {
    resolve: (token, audience, options) => sessions.resolve(token, audience, options),
    touch: (session) => {
      sessions.touch(session)
      tell(session)
    },
    renew: (token, session) => sessions.renew(token, session),
    end: (sid, cause, origin) => sessions.end(sid, cause, origin),
  }
}
