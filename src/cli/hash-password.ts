import { Command } from 'commander'
import { acceptablePassword, createPasswordHasher } from '../crypto/password-hash.ts'
import { readSecret } from './read-secret.ts'
import type { Terminal } from './terminal.ts'

export interface HashPasswordCommandDeps {
  readonly terminal: Pick<Terminal, 'stdin' | 'out' | 'err' | 'setExitCode'>
}

/** Never takes the password as an argument: arguments are in the shell's history and in every process list. */
export function createHashPasswordCommand({ terminal }: HashPasswordCommandDeps): Command {
  const refuse = (why: string): void => {
    terminal.err(`gatehouse: ${why}\n`)
    terminal.setExitCode(2)
  }
  return new Command('hash-password')
    .description('read a password from the terminal or from standard input and print its hash for users.yaml')
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      if (command.args.length > 0) {
        refuse('the password is not taken as an argument; run it without one')
        return
      }
      const entered = await readSecret(terminal, 'Password: ', 'Once more: ')
      const password = entered.kind === 'read' ? entered.secret : undefined
      if (password !== undefined && acceptablePassword(password)) {
        terminal.out(`${await createPasswordHasher().hash(password)}\n`)
        return
      }
      const why = entered.kind === 'refused' ? entered.why : 'a password is 1 to 1,024 bytes of well-formed text'
      refuse(why)
    })
}
