/** The entities that XML has without a declaration, by what they stand for. */
export const XML_ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** What XML 1.0 §2.2 has no character for, alone half of a pair among it. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

/**
 * A text for the content of an element or for an attribute in quotes. White space that a parser would make into a plain space in an
 * attribute is written by number; what XML cannot say at all becomes U+FFFD.
 */
export function escapeXml(text: string): string {
  return text
    .replaceAll(NOT_IN_XML, '\u{FFFD}')
    .replaceAll(/[&<>"']/g, (character) => XML_ENTITIES[character] ?? character)
    .replaceAll(/[\t\n\r]/g, (space) => `&#${space.charCodeAt(0)};`)
}
