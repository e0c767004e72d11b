import { systemClock } from '../base/clock.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { createOutboxRelay } from './outbox-relay.ts'

/*
 * A process of its own for outbox-relay.test.ts: claims what is in the outbox and says so on standard output, a sid a line, but
 * never comes to the end of telling it.
 */

const [path = ''] = process.argv.slice(2)
const nothing = (): void => undefined
const log = { error: nothing, warn: nothing, info: nothing, debug: nothing }
const { outbox } = await openEmbeddedStore({ path, clock: systemClock, log })
const tell = ({ sid }: { readonly sid: string }): Promise<void> => {
  process.stdout.write(`${sid}\n`)
  return new Promise(nothing)
}
void createOutboxRelay({ outbox, listeners: [tell], log }).run()
setInterval(nothing, 60_000)
