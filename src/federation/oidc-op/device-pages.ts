import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { OpPage, Visits } from './visits.ts'

/** The pages of the device flow (RFC 8628 §3.3): type the code, see which device it is for, done. */
export function devicePages(visits: Visits): Pick<NonNullable<Configuration['features']>, 'deviceFlow'> {
  const show = (ctx: KoaContextWithOIDC, page: OpPage): void => {
    ctx.type = 'html'
    ctx.body = visits.of(ctx.req).draw(page)
  }
  return {
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      deviceInfo: () => ({}),
      userCodeInputSource: (ctx, _form, _out, error) => {
        const problem = error === undefined ? undefined : problemOf(error)
        show(ctx, { kind: 'device-code', ...formOf(ctx), problem })
      },
      userCodeConfirmSource: (ctx, _form, client, _info, shown) => {
        const typed = ctx.oidc.params?.['user_code']
        const userCode = typeof typed === 'string' ? typed : ''
        show(ctx, {
          kind: 'device-confirm',
          client: client.clientName ?? client.clientId,
          ...formOf(ctx),
          userCode,
          shown,
        })
      },
      successSource: (ctx) => {
        show(ctx, { kind: 'device-done', client: ctx.oidc.client?.clientName ?? '' })
      },
    },
  }
}

function problemOf({ name }: Error): 'wrong' | 'over' | 'failed' {
  if (name === 'NotFoundError' || name === 'NoCodeError' || name === 'AlreadyUsedError') return 'wrong'
  return name === 'ExpiredError' || name === 'AbortedError' ? 'over' : 'failed'
}

export function formOf(
  ctx: KoaContextWithOIDC,
  route = 'code_verification',
): { readonly action: string; readonly xsrf: string } {
  const secret = ctx.oidc.session?.state?.['secret']
  return { action: new URL(ctx.oidc.urlFor(route)).pathname, xsrf: typeof secret === 'string' ? secret : '' }
}
