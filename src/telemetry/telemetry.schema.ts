import { z } from 'zod'

export const telemetrySchema = z
  .strictObject({
    level: z
      .enum(['error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('Least severe level that is written to the log.'),
    accessLog: z.boolean().default(true).describe('One line a request on standard output.'),
    audit: z
      .strictObject({
        file: z
          .string()
          .optional()
          .describe(
            'Append audit events to this file, relative to the configuration root; with the log on standard output when absent.',
          ),
      })
      .prefault({})
      .describe('The audit trail.'),
  })
  .prefault({})
