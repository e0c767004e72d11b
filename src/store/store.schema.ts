import { z } from 'zod'

export const storeSchema = z
  .strictObject({
    driver: z
      .literal('embedded')
      .default('embedded')
      .describe('`embedded`: SQLite in one file, shared by the processes of one machine.'),
    path: z.string().default('.gatehouse/cts.db').describe('The database file, relative to the configuration root.'),
  })
  .prefault({})
