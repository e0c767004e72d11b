import { once } from 'node:events'
import { createServer } from 'node:net'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Reads bodies only where a header frames them, and takes whatever follows for the next request, as many servers do. */
export async function lenientUpstream() {
  const targets = []
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let next = endOfRequest(text); next > 0; next = endOfRequest(text)) {
        targets.push(text.slice(0, text.indexOf('\r\n')).replace(/ HTTP.*/, ''))
        text = text.slice(next)
        socket.write(ANSWER)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}`, targets, server }
}

/** Where the first request in `text` ends; 0 while it is not complete. */
function endOfRequest(text) {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return 0
  const fields = text.slice(0, head)
  const body = head + 4
  if (/transfer-encoding: chunked/i.test(fields)) {
    const last = text.indexOf('0\r\n\r\n', body)
    return last === -1 ? 0 : last + 5
  }
  const length = Number(/content-length: (\d+)/i.exec(fields)?.[1] ?? 0)
  return text.length < body + length ? 0 : body + length
}
