/*
 * Signature wrapping, made from what an honest partner has signed: whoever has one such Response (their own) tries to be somebody else
 * with it. Each keeps the signed octets somewhere in the document, and puts forged ones where readers may look. Knows no prefixes: works on
 * what any peer writes.
 */

interface Parts {
  /** The Response, in which the assertion alone is signed. */
  readonly xml: string
  readonly assertion: string
  readonly signature: string
  /** The assertion without its signature. */
  readonly bare: string
  /** The same of somebody else, by another id. */
  readonly evil: string
}

const EVIL_ID = '_ee11ee11ee11ee11'

function partsOf(response: string, victim: string): Parts {
  // The Response may be signed as well: that signature is not what is wrapped here.
  const xml = /<(?:\w+:)?Assertion[\s>]/.test(response.split(/<(?:\w+:)?Signature[\s>]/)[0] ?? '')
    ? response
    : response.replace(/<((?:\w+:)?Signature)[\s>][\s\S]*?<\/\1>/, '')
  const assertion = /<((?:\w+:)?Assertion)[\s>][\s\S]*<\/\1>/.exec(xml)?.[0] ?? ''
  const signature = /<((?:\w+:)?Signature)[\s>][\s\S]*?<\/\1>/.exec(assertion)?.[0] ?? ''
  const bare = assertion.replace(signature, '')
  const evil = bare
    .replace(/ID="[^"]+"/, `ID="${EVIL_ID}"`)
    .replace(/(<(?:\w+:)?NameID[^>]*>)[^<]*/, (_, tag: string) => `${tag}${victim}`)
  return { xml, assertion, signature, bare, evil }
}

function into(element: string, content: string): string {
  return element.replace(/<\/[^<]+>$/, (end) => `${content}${end}`)
}

/** After the Issuer, where signatures and extensions come. */
function afterIssuer(element: string, content: string): string {
  return element.replace(/<\/(?:\w+:)?Issuer>/, (end) => `${end}${content}`)
}

const EXTENSIONS = (content: string): string =>
  `<x:Extensions xmlns:x="urn:oasis:names:tc:SAML:2.0:protocol">${content}</x:Extensions>`
const IN_ASSERTION = (name: string, content: string): string =>
  `<a:${name} xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">${content}</a:${name}>`
const OBJECT = (content: string): string =>
  `<o:Object xmlns:o="http://www.w3.org/2000/09/xmldsig#">${content}</o:Object>`

/** By the names of the literature (XSW 1 to 8 are of the response and of the assertion). */
const SHAPES: Readonly<Record<string, (parts: Parts) => string>> = {
  'the original Response in the forged one, its signature after it': ({ xml, assertion, evil, signature, bare }) =>
    afterIssuer(
      xml.replace(assertion, () => evil),
      `${bare}${signature}`,
    ),
  'a forged assertion before the signed one': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () => evil + assertion),
  'a forged assertion after the signed one': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () => assertion + evil),
  'the signed assertion in the forged one': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () => into(evil, assertion)),
  'the signature in the forged assertion, the original after it': ({ xml, assertion, evil, signature, bare }) =>
    xml.replace(assertion, () => afterIssuer(evil, signature) + bare),
  'the original in the signature, which moved into the forged assertion': ({ xml, assertion, evil, signature, bare }) =>
    xml.replace(assertion, () => afterIssuer(evil, into(signature, OBJECT(bare)))),
  'the original in Object of a signature of its own': ({ xml, assertion, evil, signature, bare }) =>
    xml.replace(assertion, () => afterIssuer(evil, into(signature, OBJECT(bare))) + bare),
  'a forged assertion in Extensions': ({ xml, evil }) => afterIssuer(xml, EXTENSIONS(evil)),
  'the signed assertion in Extensions': ({ xml, assertion, evil }) =>
    afterIssuer(
      xml.replace(assertion, () => evil),
      EXTENSIONS(assertion),
    ),
  'two SignedInfo': ({ xml, signature }) => {
    const info = /<((?:\w+:)?SignedInfo)[\s>][\s\S]*?<\/\1>/.exec(signature)?.[0] ?? ''
    return xml.replace(info, () => info.replaceAll(/URI="#[^"]+"/g, `URI="#${EVIL_ID}"`) + info)
  },
  'the signed assertion in StatusDetail': ({ xml, assertion, evil }) =>
    xml
      .replace(assertion, () => evil)
      .replace(
        /<\/(?:\w+:)?Status>/,
        (end) => `<d:StatusDetail xmlns:d="urn:oasis:names:tc:SAML:2.0:protocol">${assertion}</d:StatusDetail>${end}`,
      ),
  'the signed assertion in Advice': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () => into(evil, IN_ASSERTION('Advice', assertion))),
  'the signed assertion in SubjectConfirmationData': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () =>
      evil.replace(
        /<((?:\w+:)?SubjectConfirmationData)([^>]*?)\/>/,
        (_, name: string, rest: string) => `<${name}${rest}>${assertion}</${name}>`,
      ),
    ),
  'the signed assertion in an attribute': ({ xml, assertion, evil }) =>
    xml.replace(assertion, () => evil.replace(/<\/((?:\w+:)?AttributeValue)>/, (end) => `${assertion}${end}`)),
  'the signature of the assertion over the Response': ({ xml, assertion, evil, signature, bare }) =>
    afterIssuer(
      xml.replace(assertion, () => evil + bare),
      signature,
    ),
}

/** All of them, of one Response; `victim` is who the forged part names. */
export function wrapped(response: string, victim: string): readonly (readonly [name: string, xml: string])[] {
  const parts = partsOf(response, victim)
  return Object.entries(SHAPES).map(([name, shape]) => [name, shape(parts)] as const)
}

/** The one of a name. */
export function wrappedAs(name: keyof typeof SHAPES, response: string, victim: string): string {
  const shape = SHAPES[name]
  if (shape === undefined) throw new TypeError(name)
  return shape(partsOf(response, victim))
}
