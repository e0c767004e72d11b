import { html, type Html } from './html.ts'
import { shorten, type Identity } from './identity.ts'
import { SITE_IDS, SITES, type SiteContent, type SiteId } from './sites.ts'

/** What every page needs to know. */
export interface PageContext {
  readonly site: SiteContent
  readonly path: string
  readonly identity: Identity
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Where the other samples are; those that are missing are not linked. */
  readonly sites: Readonly<Partial<Record<SiteId, string>>>
}

/** What a form sent. */
export interface Received {
  readonly contentType: string
  readonly bytes: number
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** Stylesheet and script lie below /public/, so that the public page has them without a session. */
function layout(context: PageContext, title: string, main: Html): string {
  const { site, identity } = context
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title === site.title ? title : `${title} · ${site.title}`}</title>
        <link rel="icon" href="/public/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/public/site.css" />
        <script src="/public/site.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="bar">
          <div class="wide">
            <a class="brand" href="/"
              ><img src="/public/icon.svg" alt="" width="32" height="32" /><span
                ><strong>${site.title}</strong><small>${site.tagline}</small></span
              ></a
            >
            <div class="who">
              ${
                identity.user === undefined
                  ? html`<span class="muted">Not signed in</span>`
                  : html`<span class="name">${identity.user}</span
                      ><a class="button quiet" href="/.gatehouse/logout">Sign out</a>`
              }
            </div>
          </div>
        </header>
        <nav aria-label="Pages"><div class="wide">${navigation(context)}</div></nav>
        <main id="main" class="wide">${main}</main>
        <footer class="wide">
          ${elsewhere(context)}
          <p class="muted">
            A sample application behind Gatehouse. It knows nothing about login: it shows what the gateway tells it.
          </p>
        </footer>
      </body>
    </html> `.markup
}

function navigation({ site, path }: PageContext): readonly Html[] {
  const links = [{ path: '/', label: 'Overview' }, ...site.pages]
  return links.map((link) => {
    const current = link.path === path ? html` aria-current="page"` : undefined
    return html`<a href="${link.path}" ${current}>${link.label}</a>`
  })
}

function elsewhere({ site, sites }: PageContext): Html | undefined {
  const others = SITE_IDS.filter((id) => id !== site.id && sites[id] !== undefined)
  if (others.length === 0) return undefined
  return html`<h2>Other samples</h2>
    <ul class="tiles">
      ${others.map(
        (id) =>
          html`<li>
            <a href="${sites[id]}"><strong>${SITES[id].title}</strong><small>${SITES[id].tagline}</small></a>
          </li>`,
      )}
    </ul>`
}

export function overview(context: PageContext): string {
  const { site } = context
  return layout(
    context,
    site.title,
    html`<h1>${site.heading}</h1>
      <div class="grid">${identityCard(context)} ${listCard(site)} ${formCard()} ${liveCard()} ${trafficCard()}</div>
      ${headersCard(context)}`,
  )
}

function identityCard({ identity }: PageContext): Html {
  if (identity.user === undefined)
    return html`<section class="card">
      <h2>Who you are</h2>
      <p>The gateway named nobody.</p>
      <p class="muted">This page needs no session, or the application was opened without the gateway.</p>
    </section>`
  return html`<section class="card">
    <h2>Who you are</h2>
    <p class="big">${identity.user}</p>
    <p class="label">Groups</p>
    ${
      identity.groups.length === 0
        ? html`<p class="muted">None</p>`
        : html`<ul class="chips">
            ${identity.groups.map((group) => html`<li>${group}</li>`)}
          </ul>`
    }
  </section>`
}

function listCard({ list }: SiteContent): Html {
  return html`<section class="card">
    <h2>${list.title}</h2>
    <ul class="rows">
      ${list.items.map(
        ({ name, detail, value }) =>
          html`<li>
            <span><strong>${name}</strong><small>${detail}</small></span
            ><span class="value">${value}</span>
          </li>`,
      )}
    </ul>
  </section>`
}

function formCard(): Html {
  return html`<section class="card">
    <h2>Send a form</h2>
    <form method="post" action="/form">
      <label for="message">Message</label>
      <textarea id="message" name="message" rows="3">Hello</textarea>
      <button type="submit">Send</button>
    </form>
  </section>`
}

function liveCard(): Html {
  return html`<section class="card live">
    <h2>Live</h2>
    <div class="halves">
      <div>
        <p class="label">WebSocket</p>
        <p class="big" id="clock" data-state="waiting">Needs JavaScript</p>
      </div>
      <div>
        <p class="label">Event stream</p>
        <ol class="events" id="events">
          <li class="muted">Needs JavaScript</li>
        </ol>
      </div>
    </div>
  </section>`
}

function trafficCard(): Html {
  return html`<section class="card">
    <h2>Slow and large</h2>
    <ul class="links">
      <li><a href="/slow?seconds=3">A page that takes 3 seconds</a></li>
      <li><a href="/large?mb=100">A download of 100 MB</a></li>
      <li><a href="/api/me">This request as JSON</a></li>
    </ul>
  </section>`
}

function headersCard({ headers }: PageContext): Html {
  return html`<section class="card">
    <h2>Headers received</h2>
    <p class="muted">
      ${headers.length} headers, as the application sees them. Tokens and very long values are shortened.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Headers received">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          ${headers.map(
            ([name, value]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${shorten(name, value)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}

export function received(context: PageContext, { contentType, bytes, fields }: Received): string {
  return layout(
    context,
    'Arrived',
    html`<h1>It arrived</h1>
      <section class="card">
        <h2>What the application received</h2>
        <p class="muted">POST ${context.path}, ${bytes} bytes of ${contentType === '' ? 'no type' : contentType}</p>
        ${
          fields.length === 0
            ? html`<p>No fields that can be shown.</p>`
            : html`<dl>
                ${fields.map(
                  ([name, value]) =>
                    html`<dt>${name}</dt>
                      <dd>${value === '' ? html`<span class="muted">empty</span>` : value}</dd>`,
                )}
              </dl>`
        }
        <p><a class="button" href="/">Back to the overview</a></p>
      </section>`,
  )
}

export function publicPage(context: PageContext): string {
  return layout(
    context,
    'Public page',
    html`<h1>Open to everyone</h1>
      <section class="card">
        <p>
          Nobody has to sign in here, and the gateway tells the application about nobody: a header that claims to be
          somebody is removed on the way.
        </p>
        <p><a class="button" href="/">Go to the part that needs a login</a></p>
      </section>
      ${headersCard(context)}`,
  )
}

export function adminPage(context: PageContext): string {
  return layout(
    context,
    'Administration',
    html`<h1>Administration</h1>
      <div class="grid">
        ${identityCard(context)}
        <section class="card">
          <h2>System</h2>
          <ul class="rows">
            <li>
              <span><strong>Search index</strong><small>Rebuilt every night</small></span
              ><span class="value">ready</span>
            </li>
            <li>
              <span><strong>Mail queue</strong><small>Waiting to be sent</small></span
              ><span class="value">0</span>
            </li>
          </ul>
        </section>
      </div>`,
  )
}

export function transferPage(context: PageContext): string {
  return layout(
    context,
    'New transfer',
    html`<h1>New transfer</h1>
      <section class="card narrow">
        <form method="post" action="/transfer">
          <label for="recipient">Recipient</label>
          <input id="recipient" name="recipient" autocomplete="off" required value="Northwind Paper" />
          <label for="amount">Amount</label>
          <input id="amount" name="amount" inputmode="decimal" autocomplete="off" required value="120.00" />
          <label for="note">Note</label>
          <input id="note" name="note" autocomplete="off" />
          <button type="submit">Transfer</button>
        </form>
        <p class="muted">No money moves. The next page shows what arrived.</p>
      </section>`,
  )
}

export function slowPage(context: PageContext, seconds: number): string {
  return layout(
    context,
    'Slow page',
    html`<h1>That took ${seconds} s</h1>
      <section class="card">
        <p>The application waited before it answered.</p>
        <p><a class="button" href="/">Back to the overview</a></p>
      </section>`,
  )
}

export function notFound(context: PageContext): string {
  return layout(
    context,
    'Not found',
    html`<h1>No such page</h1>
      <section class="card">
        <p>${context.site.title} has nothing at <code>${shorten('path', context.path)}</code>.</p>
        <p><a class="button" href="/">Back to the overview</a></p>
      </section>`,
  )
}
