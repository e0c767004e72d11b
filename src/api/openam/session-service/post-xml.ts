import { fetchDocument } from '../../../http/fetch-document.ts'

const LIMITS = { timeoutMs: 5_000, maxBytes: 16_384 }

/** Follows no redirect; rejects for everything but 200. The address is one that `session-service.ts` has judged. */
export async function postXml(url: string, xml: string): Promise<void> {
  await fetchDocument(url, LIMITS, { type: 'text/xml;charset=UTF-8', bytes: Buffer.from(xml) })
}
