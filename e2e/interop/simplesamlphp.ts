import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../src/free-port.fixture.ts'
import { newSigner, type Signer } from '../../src/federation/saml/partner.fixture.ts'
import { scratchDirectory, startProgram } from './program.ts'

/** SimpleSAMLphp of Debian as an identity provider, in PHP's own server. People sign in there by their name as password. */
export interface SimpleSamlPhp {
  readonly entityId: string
  readonly metadataUrl: string
  readonly signer: Signer
  /** Its only partner, by metadata. */
  trust(serviceProviderMetadata: string): void
  /** More of how it answers, as PHP. */
  configure(php: string): void
  stop(): Promise<void>
}

const WWW = '/usr/share/simplesamlphp/www'

/** What it is asked for it has done, but for one person: it says so of nobody else that it was more than a password. */
const CONTEXT = `
  if ($attributes['uid'][0] !== 'weak' && isset($state['saml:RequestedAuthnContext']))
    $state['saml:AuthnContextClassRef'] = $state['saml:RequestedAuthnContext']['AuthnContextClassRef'][0];`

export async function startSimpleSamlPhp(people: Readonly<Record<string, object>>): Promise<SimpleSamlPhp> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const entityId = `${origin}/idp`
  const signer = newSigner()
  const scratch = scratchDirectory('gatehouse-ssp')
  const write = (path: string, text: string): void => writeFileSync(join(scratch.path, path), text)
  for (const folder of ['metadata', 'cert', 'log', 'tmp', 'data', 'sessions']) mkdirSync(join(scratch.path, folder))
  write('cert/idp.pem', signer.key.export({ type: 'pkcs8', format: 'pem' }) as string)
  const lines = signer.certificate.replaceAll(/.{64}/g, '$&\n')
  write('cert/idp.crt', `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`)
  write(
    'config.php',
    `<?php $config = [
      'baseurlpath' => '${origin}/', 'certdir' => '${scratch.path}/cert/', 'loggingdir' => '${scratch.path}/log/',
      'datadir' => '${scratch.path}/data/', 'tempdir' => '${scratch.path}/tmp', 'metadatadir' => '${scratch.path}/metadata',
      'secretsalt' => 'of one test', 'auth.adminpassword' => 'of one test', 'technicalcontact_email' => 'na@example.org',
      'timezone' => 'UTC', 'logging.handler' => 'errorlog', 'logging.level' => 4, 'showerrors' => true,
      'enable.saml20-idp' => true, 'store.type' => 'phpsession', 'session.phpsession.savepath' => '${scratch.path}/sessions',
      'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'language.cookie.secure' => false, 'language.cookie.samesite' => null,
      'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true], 'admin.checkforupdates' => false,
      'attributenamemapdir' => '/etc/simplesamlphp/attributemap/', 'theme.use' => 'default',
      'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '${scratch.path}/metadata/sp.xml']],
      'metadata.sign.enable' => true, 'metadata.sign.privatekey' => 'idp.pem', 'metadata.sign.certificate' => 'idp.crt',
      'metadata.sign.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    ];`,
  )
  const users = Object.entries(people).map(([name, attributes]) => {
    const values = Object.entries({ uid: name, ...attributes }).map(([key, value]) => `'${key}' => ['${value}']`)
    return `'${name}:${name}' => [${values.join(', ')}]`
  })
  write('authsources.php', `<?php $config = ['people' => ['exampleauth:UserPass', ${users.join(', ')}]];`)
  const configure = (more: string): void =>
    write(
      'metadata/saml20-idp-hosted.php',
      `<?php $metadata['${entityId}'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'people',
        'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
        'authproc' => [50 => ['class' => 'core:PHP', 'code' => '${CONTEXT.replaceAll("'", "\\'")}']], ${more}];`,
    )
  const trust = (metadata: string): void => write('metadata/sp.xml', metadata)
  configure('')
  trust('<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>')
  const server = await startProgram({
    command: 'php',
    args: ['-d', 'error_log=/dev/stderr', '-d', 'opcache.enable=0', '-S', `127.0.0.1:${port}`, '-t', WWW],
    cwd: scratch.path,
    env: { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: scratch.path },
    ready: /started/,
  })
  return {
    entityId,
    metadataUrl: `${origin}/saml2/idp/metadata.php`,
    signer,
    trust,
    configure,
    async stop() {
      await server.stop()
      scratch.remove()
    },
  }
}
