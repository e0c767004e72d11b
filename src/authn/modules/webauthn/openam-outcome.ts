/** Numbers of one signed byte each. */
const BYTES = '-?\\d{1,3}(?:,-?\\d{1,3})*'
const ID = '[\\w-]{1,1364}'
/** What the browser says of the ceremony, as text: an origin in it may have colons of its own. */
const CLIENT_DATA = '\\{[^]*?\\}'
const ASSERTION = new RegExp(`^(${CLIENT_DATA})::(${BYTES})::(${BYTES})::(${ID})(?:::([^]{0,64}))?$`)
const REGISTRATION = new RegExp(`^(${CLIENT_DATA})::(${BYTES})::(${ID})(?:::([^]{0,200}))?$`)

/**
 * The answer of an authenticator as OpenAM's SDK writes it, `clientData::authenticatorData::signature::id[::userHandle]`, in the form that
 * browsers have for it (WebAuthn Level 3 §5.1.8). `undefined` for anything else.
 */
export function assertionOfOpenAm(text: string): object | undefined {
  const [, clientData = '', authenticatorData = '', signature = '', id, userHandle] = ASSERTION.exec(text) ?? []
  if (id === undefined) return undefined
  return {
    ...credential(id),
    response: {
      clientDataJSON: encoded(Buffer.from(clientData)),
      authenticatorData: encoded(bytesOf(authenticatorData)),
      signature: encoded(bytesOf(signature)),
      ...(userHandle === undefined || userHandle === '' ? {} : { userHandle: encoded(Buffer.from(userHandle)) }),
    },
  }
}

/** The same for a new key: `clientData::attestationObject::id[::name]`. */
export function registrationOfOpenAm(text: string): object | undefined {
  const [, clientData = '', attestation = '', id, deviceName] = REGISTRATION.exec(text) ?? []
  if (id === undefined) return undefined
  const response = {
    clientDataJSON: encoded(Buffer.from(clientData)),
    attestationObject: encoded(bytesOf(attestation)),
  }
  return { ...credential(id), response, ...(deviceName === undefined ? {} : { deviceName }) }
}

function credential(id: string): { readonly id: string; readonly rawId: string; readonly type: 'public-key' } {
  return { id, rawId: id, type: 'public-key' }
}

function bytesOf(numbers: string): Buffer {
  return Buffer.from(Int8Array.from(numbers.split(','), Number).buffer)
}

function encoded(bytes: Buffer): string {
  return bytes.toString('base64url')
}
