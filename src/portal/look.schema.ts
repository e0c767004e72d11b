import { z } from 'zod'

export const lookSchema = z
  .strictObject({
    title: z
      .string()
      .min(1)
      .max(60)
      .optional()
      .describe("Name of the organisation on every page of the realm; the realm's last path part where absent."),
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, 'write the colour as #rrggbb')
      .default('#1f5fbf')
      .describe('Accent colour. Its contrast is checked at load and adjusted in light and dark.'),
    logo: z
      .string()
      .regex(/^[\w.-]+\.(svg|png|webp)$/, "name an svg, png or webp file in the realm's theme folder")
      .optional()
      .describe('File in `theme/` beside realm.yaml.'),
    supportUrl: z.url().optional().describe('Where "Get help" leads; no link where absent.'),
  })
  .prefault({})

export type LookConfig = z.infer<typeof lookSchema>
