import { startSampleApp, type SampleApp } from './sample-app.ts'
import { SITE_IDS, SITES, type SiteId } from './sites.ts'

export interface SampleApps {
  /** Where each application listens: for the gateway, not for browsers. */
  readonly urls: Readonly<Record<SiteId, string>>
  /** Ends open streams and WebSockets too. */
  close(): Promise<void>
}

export interface SampleAppsOptions {
  /** Where browsers find the samples; `SAMPLE_SITES` (a JSON object from id to URL) where absent, else they link nowhere. */
  readonly sites?: Readonly<Partial<Record<SiteId, string>>>
  /** Milliseconds between two events of a stream; a second where absent. */
  readonly tickMs?: number
}

/** Starts the five sample applications, each on a free port of 127.0.0.1. */
export async function startSampleApps(options: SampleAppsOptions = {}): Promise<SampleApps> {
  const sites = options.sites ?? sitesFrom(process.env['SAMPLE_SITES'])
  const tickMs = options.tickMs ?? 1_000
  const start = async (id: SiteId) => [id, await startSampleApp({ site: SITES[id], sites, tickMs })] as const
  const apps = await Promise.all(SITE_IDS.map(start))
  return {
    urls: Object.fromEntries(apps.map(([id, app]) => [id, app.url])) as Record<SiteId, string>,
    async close() {
      await Promise.all(apps.map(([, app]: readonly [SiteId, SampleApp]) => app.close()))
    },
  }
}

/** Only http and https URLs become links; anything else is a mistake worth stopping for. */
function sitesFrom(text: string | undefined): Readonly<Partial<Record<SiteId, string>>> {
  if (text === undefined || text === '') return {}
  const value: unknown = JSON.parse(text)
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const urls = entries.map(([id, url]) => {
    if (typeof url !== 'string' || !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new Error(`SAMPLE_SITES: ${id} is not an http or https URL`)
    return [id, url] as const
  })
  return Object.fromEntries(urls)
}
