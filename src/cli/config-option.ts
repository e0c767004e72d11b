import { Option } from 'commander'

/** `--config DIR`, the same for every command that has a configuration. */
export function configOption(): Option {
  return new Option('--config <dir>', 'directory that holds agent-config/ and realms/').default('.')
}
