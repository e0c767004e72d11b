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

function openEvents() {
  const source = new EventSource('/events')
  const add = (text, state) => {
    const entry = document.createElement('li')
    entry.textContent = text
    entry.dataset.state = state
    if (events.querySelector('.muted') !== null) events.replaceChildren()
    events.prepend(entry)
    while (events.children.length > SHOWN) events.lastElementChild.remove()
  }
  source.addEventListener('time', ({ data, lastEventId }) =>
    add(`${timeOfDay(JSON.parse(data).time)} · event ${lastEventId}`, 'open'),
  )
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) add('Closed', 'closed')
  })
}

if (clock !== null) openClock()
if (events !== null) openEvents()
