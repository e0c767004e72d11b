import type { ErrorPages, FormTicket, RefusalKind } from '../http/refusal-page.ts'

const SENTENCES: Readonly<Record<RefusalKind, string>> = {
  forbidden: 'You do not have access to this page.',
  unavailable: 'Your session cannot be checked right now. Please try again in a moment.',
  'bad-request': 'This address does not work.',
  'unknown-host': 'No application is known under this address.',
  'method-not-allowed': 'This cannot be done here.',
  loop: 'Signing in does not hold in this browser.',
  'open-at-top-level': 'Please sign in first, in a window of its own.',
  'token-needed': 'Each request has to bring a token besides your session.',
  upstream: 'The application does not answer.',
  'not-found': 'This page does not exist.',
  internal: 'Something went wrong on our side.',
  'form-waits': 'Please sign in first.',
  'goes-on': 'You are being signed in.',
  'form-kept': 'Your form was kept while you signed in, and has not been sent yet.',
  'form-not-kept': 'Your form was not sent. Please fill it in once more.',
}

/** The sentence for clients that get no page, and for the page that stands in. */
export function sentenceOf(kind: RefusalKind): string {
  return SENTENCES[kind]
}

/** The page for when the real one cannot be rendered: no style, no echo, one way on. */
export const plainPages: ErrorPages = {
  render(refusal) {
    const link =
      refusal.loginUrl === undefined ? '' : `<p><a target="_top" href="${escapeHtml(refusal.loginUrl)}">Sign in</a></p>`
    const sentence = escapeHtml(sentenceOf(refusal.kind))
    const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${sentence}</title><h1>${sentence}</h1>${link}${formOf(refusal.form)}<p>Request ${escapeHtml(refusal.requestId)}</p></html>\n`
    return { html, headers: {} }
  },
}

function formOf(form: FormTicket | undefined): string {
  if (form === undefined) return ''
  const input = `<input type="hidden" name="${form.field}" value="${form.ticket}">`
  return `<form method="post" action="${escapeHtml(form.action)}" enctype="text/plain">${input}<button>Send</button></form>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
