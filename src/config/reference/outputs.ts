import { REFERENCE_FILES } from './files.ts'
import { configurationPage } from './page.ts'
import { publishedSchema } from './published-schema.ts'

/** Everything that is generated from the schemas, by path in the repository. */
export function referenceOutputs(): ReadonlyMap<string, string> {
  const schemas = REFERENCE_FILES.map(
    (file) => [`public/schemas/${file.name}.schema.json`, publishedSchema(file)] as const,
  )
  return new Map([...schemas, ['docs/configuration.md', configurationPage()]])
}
