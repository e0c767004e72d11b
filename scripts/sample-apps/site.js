/* Runs in the browser: shows the WebSocket clock and the event stream. */
const clock = document.getElementById('clock')
const events = document.getElementById('events')
const SHOWN = 4

function show(state, text) {
  clock.dataset.state = state
  clock.textContent = text
}

function timeOfDay(instant) {
  return new Date(instant).toLocaleTimeString()
}

function openClock() {
  const socket = new WebSocket(new URL('/clock', location.href.replace(/^http/, 'ws')))
  show('waiting', 'Connecting…')
  socket.addEventListener('message', ({ data }) => show('open', timeOfDay(JSON.parse(data).time)))
  socket.addEventListener('close', ({ code }) => show('closed', `Closed (${code})`))
}

function showEvent({ text, state }) {
  const entry = document.createElement('li')
  entry.textContent = text
  entry.dataset.state = state
  if (events.querySelector('.muted') !== null) events.replaceChildren()
  events.prepend(entry)
  while (events.children.length > SHOWN) events.lastElementChild.remove()
}

/** Settles when the stream is over for good. */
function openEvents(show) {
  const source = new EventSource('/events')
  source.addEventListener('time', ({ data, lastEventId }) =>
    show({ text: `${timeOfDay(JSON.parse(data).time)} · event ${lastEventId}`, state: 'open' }),
  )
  return new Promise((resolve) => {
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return
      show({ text: 'Closed', state: 'closed' })
      resolve()
    })
  })
}

/* A browser opens six HTTP/1.1 connections to a host at most, and an event stream holds one. So one tab has the stream and
   tells the others; when it is closed, the next one takes over. */
function shareEvents() {
  const channel = new BroadcastChannel('events')
  channel.addEventListener('message', ({ data }) => showEvent(data))
  void navigator.locks.request('events', () =>
    openEvents((event) => {
      showEvent(event)
      channel.postMessage(event)
    }),
  )
}

if (clock !== null) openClock()
if (events !== null) {
  if (navigator.locks === undefined) void openEvents(showEvent)
  else shareEvents()
}
