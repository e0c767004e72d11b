// `npm run docs`: writes what is generated from the configuration's schemas.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { referenceOutputs } from '../src/config/reference/outputs.ts'

for (const [path, text] of referenceOutputs()) {
  const target = fileURLToPath(new URL(`../${path}`, import.meta.url))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, text)
  console.log(path)
}
