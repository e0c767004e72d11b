import { z } from 'zod'
import { assertionOfOpenAm, registrationOfOpenAm } from './openam-outcome.ts'

/** Characters of what a browser sends back. An attestation with three certificates has about six thousand. */
const LONGEST = 12_000

const base64url = z.string().regex(/^[\w-]+$/)
/** WebAuthn Level 3 §4: a credential id has 1023 bytes at most. */
const credentialId = base64url.max(1_364)

const assertionSchema = z
  .object({
    id: credentialId,
    rawId: credentialId,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: base64url,
      authenticatorData: base64url,
      signature: base64url,
      userHandle: base64url.max(88).nullish(),
    }),
  })
  .refine(({ id, rawId }) => id === rawId)

const registrationSchema = z
  .object({
    id: credentialId,
    rawId: credentialId,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: base64url,
      attestationObject: base64url,
      transports: z
        .array(z.string().regex(/^[a-z-]{1,32}$/))
        .max(8)
        .default([]),
    }),
    /** Of the person's choice. */
    deviceName: z.string().optional(),
  })
  .refine(({ id, rawId }) => id === rawId)

export type Assertion = z.infer<typeof assertionSchema>
export type Registration = z.infer<typeof registrationSchema>

/** `undefined` for anything but an AuthenticationResponseJSON (WebAuthn Level 3 §5.1.8) without padding, or what OpenAM's SDK makes of one. */
export function parseAssertion(text: string): Assertion | undefined {
  return parse(assertionSchema, text, assertionOfOpenAm)
}

export function parseRegistration(text: string): Registration | undefined {
  return parse(registrationSchema, text, registrationOfOpenAm)
}

const clientDataSchema = z.object({
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
  tokenBinding: z.object({ status: z.enum(['supported', 'not-supported']) }).optional(),
})

/**
 * Whether the browser says that our own page asked, and no frame of another site; and that the connection has no token binding, which
 * we could not check (WebAuthn Level 3 §7.2 steps 13 and 14, Level 2 §7.2 step 14). Type, challenge and origin are the library's part.
 */
export function isOwnContext(clientDataJSON: string): boolean {
  return parse(clientDataSchema, Buffer.from(clientDataJSON, 'base64url').toString('utf8')) !== undefined
}

function parse<T>(
  schema: z.ZodType<T>,
  text: string,
  read: (text: string) => object | undefined = () => undefined,
): T | undefined {
  if (text === '' || text.length > LONGEST) return undefined
  try {
    return schema.safeParse(read(text) ?? JSON.parse(text)).data
  } catch {
    return undefined
  }
}
