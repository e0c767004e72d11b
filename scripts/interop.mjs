// `npm run interop`: the product with software that is not ours on the other side: Debian's packages, and npm's at pinned versions.
import { prepare } from './runtime.mjs'
import { runSteps } from './steps.mjs'
import { ensurePrograms } from './system-packages.mjs'

const { node, env } = prepare()
ensurePrograms({
  chromium: 'chromium',
  nginx: 'nginx',
  apache2: 'apache2-bin',
  '/usr/lib/apache2/modules/mod_auth_openidc.so': 'libapache2-mod-auth-openidc',
  '/usr/lib/apache2/modules/mod_auth_mellon.so': 'libapache2-mod-auth-mellon',
  '/usr/lib/apache2/modules/mod_shib.so': 'libapache2-mod-shib',
  lighttpd: 'lighttpd',
  varnishd: 'varnish',
  slapd: 'slapd',
  php: 'php-cli',
  '/usr/lib/php/20220829/dom.so': 'php-xml',
  '/usr/lib/php/20220829/mbstring.so': 'php-mbstring',
  '/usr/share/simplesamlphp/www': 'simplesamlphp',
  haproxy: 'haproxy',
  caddy: 'caddy',
})

const TESTS = ['--test', '--test-timeout=120000']

process.exitCode = await runSteps([
  { name: 'foreign applications are installed', command: node, args: ['scripts/foreign-apps.mjs'], minutes: 5, env },
  {
    name: 'servers, caches and libraries that are not ours',
    command: node,
    args: [...TESTS, '--test-concurrency=2', 'e2e/interop/*.test.ts'],
    again: [...TESTS, '--test-concurrency=1'],
    minutes: 7,
    env,
  },
  {
    name: 'a foreign application in a browser, behind the gateway',
    command: 'playwright',
    args: ['test', '--config', 'e2e/interop/playwright.config.ts'],
    minutes: 5,
    env,
  },
])
