// Passkeys and security keys: does what the form's page asks for, and sends what the authenticator answers.
'use strict'

for (const part of document.querySelectorAll('[data-webauthn]')) serve(part)

function serve(part) {
  const form = part.closest('form')
  const outcome = form.elements.namedItem(part.dataset.outcome)
  const button = form.querySelector('[data-webauthn-start]')
  const isBeside = part.dataset.beside !== undefined
  let options = read(part.dataset.options)
  /** Of the request that waits behind the name field; there is one at a time. */
  let waiting

  if (typeof PublicKeyCredential === 'undefined') {
    if (!isBeside) tell(part, part.dataset.unsupported)
    return
  }

  const send = (credential) => {
    outcome.value = JSON.stringify(credential)
    // What was not typed is not missing.
    form.noValidate = true
    form.requestSubmit()
  }
  const start = async () => {
    waiting?.abort()
    tell(part, '')
    try {
      send(options._action === 'webauthn_registration' ? await create(options) : await get(options))
    } catch (error) {
      tell(part, error.name === 'InvalidStateError' ? part.dataset.exists : part.dataset.cancelled)
      if (isBeside) void wait()
    }
  }
  /** Passkeys among the suggestions of the name field, for as long as the page is open. */
  const wait = async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
    waiting?.abort()
    const { signal } = (waiting = new AbortController())
    try {
      const credential = await get(options, { mediation: 'conditional', signal })
      if (!signal.aborted) send(credential)
    } catch {
      // Another request took its place, or the person chose nothing: the form is there.
    }
  }

  addEventListener('pageshow', () => {
    outcome.value = ''
  })
  if (!isBeside) {
    // Before the other listeners, which take the press for the one that leaves.
    const intercept = (event) => {
      if (outcome.value !== '' || event.submitter?.name === 'choose') return
      event.preventDefault()
      event.stopImmediatePropagation()
      void start()
    }
    form.addEventListener('submit', intercept, { capture: true })
    return
  }
  button.hidden = false
  button.addEventListener('click', () => void start())
  form.addEventListener('renewed', ({ detail: page }) => {
    const [, fresh] = /data-options="([\w-]+)"/.exec(page) ?? []
    if (!fresh) return
    // At once: what answers the old challenge must not leave with the new handle.
    waiting?.abort()
    options = read(fresh)
    void wait()
  })
  stayAwake(form)
  void wait()
}

/** A challenge is good for some minutes: it is renewed while somebody may be looking, and when they come back. */
function stayAwake(form) {
  const AGE_MS = 3 * 60_000
  let renewedAt = Date.now()
  const renew = () => {
    if (document.visibilityState !== 'visible' || Date.now() - renewedAt < AGE_MS) return
    renewedAt = Date.now()
    form.dispatchEvent(new Event('stale'))
  }
  setInterval(renew, AGE_MS)
  document.addEventListener('visibilitychange', renew)
}

function tell(part, text) {
  const told = part.querySelector('[data-webauthn-told]')
  told.textContent = text
  told.hidden = text === ''
}

async function create({ challenge, user, excludeCredentials, ...options }) {
  const publicKey = {
    ...options,
    challenge: bytes(challenge),
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: excludeCredentials.map(withBytes),
  }
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey })
  return {
    id,
    rawId: text(rawId),
    type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  }
}

async function get({ challenge, allowCredentials, ...options }, how = {}) {
  const publicKey = { ...options, challenge: bytes(challenge), allowCredentials: allowCredentials.map(withBytes) }
  const { id, rawId, type, response } = await navigator.credentials.get({ ...how, publicKey })
  return {
    id,
    rawId: text(rawId),
    type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  }
}

function withBytes({ id, ...descriptor }) {
  return { ...descriptor, id: bytes(id) }
}

function read(options) {
  return JSON.parse(new TextDecoder().decode(bytes(options)))
}

function bytes(base64url) {
  const base64 = base64url.replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

function text(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
