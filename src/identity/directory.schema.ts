import { z } from 'zod'
import { ldapSchema } from './ldap/ldap.schema.ts'
import { managedSchema } from './managed/managed.schema.ts'

const fileSchema = z.strictObject({
  type: z.literal('file').describe('The users of `users.yaml`, beside `realm.yaml`.'),
})

export const directorySchema = z
  .discriminatedUnion('type', [fileSchema, ldapSchema, managedSchema])
  .prefault({ type: 'file' })

export type DirectoryConfig = z.output<typeof directorySchema>
