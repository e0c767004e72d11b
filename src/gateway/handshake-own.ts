import type { HandshakeService } from '../session/session.ts'
import { formatState, parseState } from '../session/handshake-state.ts'
import { bindingHash } from './handshake-cookie.ts'
import type { HandshakeDress } from './handshake-dress.ts'
import { loginPage } from './login-address.ts'
import { onlyParameters } from './only-parameters.ts'

/** Our own: the login page gets agent and state, and sends back a code that the login host has written down. */
export function ownDress({ handshakes }: { readonly handshakes: Pick<HandshakeService, 'redeem'> }): HandshakeDress {
  return {
    depart({ site, target }, purpose, binding) {
      const state = formatState({ binding: bindingHash(binding), restarts: purpose.restarts })
      return loginPage(site, { ...purpose, state, at: purpose.at ?? target })
    },
    async arrive({ site, target, id, client }, binding) {
      const only = onlyParameters(target.query)
      const state = parseState(only('state') ?? '')
      const code = state && only('code')
      if (state === undefined || code === undefined)
        return { redemption: { kind: 'refused', reason: 'unknown-code' }, restarts: state?.restarts ?? 0 }
      const hash = binding === undefined ? undefined : bindingHash(binding)
      const origin = { requestId: id, clientIp: client.ip }
      return { redemption: await handshakes.redeem(code, site.agent, hash, origin), restarts: state.restarts }
    },
  }
}
