// What script adds to the login page: everything works without it.
'use strict'

const form = document.querySelector('form[data-login]')
if (form !== null) {
  document.documentElement.classList.add('scripted')
  carryFragment(form)
  showPassword(form)
  stayFresh(form)
  submitOnce(form)
  followOtherTabs(form)
}

/**
 * The fragment that the person was going to. Browsers hand it on through redirects, but not through a form, unless its address has
 * it; servers never see it.
 */
function carryFragment(form) {
  const { hash } = location
  if (hash === '') return
  for (const each of document.forms) each.action = each.action.split('#', 1)[0] + hash
}

/** Opens the address anew, with the fragment: the one of this very page would otherwise only be scrolled to. */
function openAnew(address) {
  const { hash } = location
  const mark = address.includes('?') ? '&' : '?'
  location.replace(hash === '' ? address : `${address}${mark}again=${Date.now()}${hash}`)
}

/** The switch under the password field. The field is hidden again before the form leaves. */
function showPassword(form) {
  const toggle = form.querySelector('[data-show]')
  const field = toggle && document.getElementById(toggle.getAttribute('aria-controls'))
  if (!field) return
  toggle.checked = false
  toggle.addEventListener('change', () => {
    field.type = toggle.checked ? 'text' : 'password'
  })
  form.addEventListener('submit', () => {
    field.type = 'password'
    toggle.checked = false
  })
}

/** A second press while the first is under way is ignored, but never for good: after ten seconds it counts again. */
function submitOnce(form) {
  const button = form.querySelector('button')
  const label = button.textContent
  const release = () => {
    button.removeAttribute('aria-disabled')
    button.textContent = label
  }
  form.addEventListener('submit', (event) => {
    if (button.getAttribute('aria-disabled') === 'true') {
      event.preventDefault()
      return
    }
    button.setAttribute('aria-disabled', 'true')
    button.textContent = form.dataset.busy
    setTimeout(release, 10_000)
  })
  addEventListener('pageshow', release)
}

/**
 * A form that has waited is renewed while the person begins to type: its authId may be too old by then, or twenty tabs
 * that were opened at once may have been given different cookies, of which the browser kept the last. Who is faster than the
 * renewal waits for it, three seconds at most.
 */
function stayFresh(form) {
  const { again, renews } = form.dataset
  if (renews === undefined) return
  const handle = form.elements.namedItem('authId')
  let freshUntil = 0
  let renewing
  const renew = async () => {
    const signal = AbortSignal.timeout(3_000)
    const answer = await fetch(again, { cache: 'no-store', credentials: 'same-origin', redirect: 'manual', signal })
    if (answer.type === 'opaqueredirect') openAnew(again)
    const page = answer.ok ? await answer.text() : ''
    const [, authId] = /name="authId" value="([\w.-]+)"/.exec(page) ?? []
    if (!authId) return
    handle.value = authId
    form.dispatchEvent(new CustomEvent('renewed', { detail: page }))
  }
  const renewNow = () => {
    if (Date.now() < freshUntil) return
    freshUntil = Date.now() + 60_000
    renewing = renew()
      .catch(() => {
        freshUntil = 0
      })
      .finally(() => {
        renewing = undefined
      })
  }
  form.addEventListener('input', renewNow)
  form.addEventListener('stale', renewNow)
  form.addEventListener('submit', (event) => {
    if (!renewing) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const { submitter } = event
    void renewing.then(() => form.requestSubmit(submitter))
  })
}

/**
 * Twenty tabs wait at the login page; the person signs in in one. The others notice, ask once or a few times whether this
 * browser may pass by now, and then go where they were going.
 */
function followOtherTabs(form) {
  const { state, again } = form.dataset
  if (!state) return
  let asking = false
  let sending = false

  const ask = async () => {
    const answer = await fetch(state, { cache: 'no-store', credentials: 'same-origin' })
    return answer.ok && (await answer.json()).signedIn === true
  }
  const askFor = async (pauses) => {
    if (asking || sending) return
    asking = true
    for (const pause of pauses) {
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (await ask().catch(() => false)) {
        openAnew(again)
        return
      }
    }
    asking = false
  }

  const channel = 'BroadcastChannel' in self ? new BroadcastChannel('gatehouse-login') : undefined
  if (channel) channel.onmessage = () => void askFor([300, 500, 1000, 2000, 4000, 8000])
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return
    sending = true
    channel?.postMessage('submitted')
  })
  addEventListener('pageshow', () => {
    sending = false
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void askFor([0])
  })
  addEventListener('focus', () => void askFor([0]))
}
