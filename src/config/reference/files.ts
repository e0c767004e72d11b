import type { z } from 'zod'
import { agentProfileSchema } from '../../gateway/agent-profile.schema.ts'
import { clientsFileSchema } from '../../federation/oidc-op/clients.schema.ts'
import { usersFileSchema } from '../../identity/users.schema.ts'
import { policiesFileSchema } from '../../policy/policies.schema.ts'
import { gatehouseSchema } from '../gatehouse.schema.ts'
import { realmSchema } from '../realm.schema.ts'

export interface ReferenceFile {
  /** Name of its JSON Schema: `public/schemas/NAME.schema.json`. */
  readonly name: string
  readonly title: string
  /** Where the file lies, for people. */
  readonly file: string
  readonly about: string
  readonly schema: z.ZodType
}

/** Every kind of file in the configuration. */
export const REFERENCE_FILES: readonly ReferenceFile[] = [
  {
    name: 'gatehouse',
    title: 'The process',
    file: 'agent-config/gatehouse.yaml',
    about: 'What the process is: where it listens, where people sign in, where sessions live.',
    schema: gatehouseSchema,
  },
  {
    name: 'agent-profile',
    title: 'Agent profiles',
    file: 'agent-config/NAME.yaml',
    about: 'One protected site a file, as the gateway sees it.',
    schema: agentProfileSchema,
  },
  {
    name: 'realm',
    title: 'Realms',
    file: 'realms/…/realm.yaml',
    about:
      'One realm a folder: `realms/realm.yaml` is `/`, `realms/employees/realm.yaml` is `/employees`, and so on down. The file may be empty. Pictures lie in `theme/` beside it. A realm inherits nothing from the one above.',
    schema: realmSchema,
  },
  {
    name: 'users',
    title: 'Users',
    file: 'realms/…/users.yaml',
    about: "The realm's users, beside `realm.yaml`.",
    schema: usersFileSchema,
  },
  {
    name: 'policies',
    title: 'Policies',
    file: 'realms/…/policies.yaml',
    about: "The realm's policies, beside `realm.yaml`. They are asked at sites that are not `ssoOnly`.",
    schema: policiesFileSchema,
  },
  {
    name: 'clients',
    title: 'OpenID clients and SAML partners',
    file: 'realms/…/clients.yaml',
    about:
      'Applications that sign the people of the realm in by OpenID Connect (docs/oidc.md) or SAML (docs/saml.md), beside `realm.yaml`. Without it the realm is no provider.',
    schema: clientsFileSchema,
  },
]
