// Installs the foreign applications of the interop tests into .runtime/, apart from the product's own dependencies.
import { join } from 'node:path'
import { installForeign } from './foreign-packages.mjs'

installForeign(join('e2e', 'interop', 'foreign-apps'), 'foreign-apps')
