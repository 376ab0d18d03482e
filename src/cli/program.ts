// The commands and what they say of themselves.
import { Command } from 'commander'
import { addAcl } from './commands/acl.ts'
import type { CommandContext } from './commands/command.ts'
import { addContact } from './commands/contact.ts'
import { addDoctor } from './commands/doctor.ts'
import { addFetch } from './commands/fetch.ts'
import { addHistory } from './commands/history.ts'
import { addPeers } from './commands/peers.ts'
import { addPresence } from './commands/presence.ts'
import { addScript } from './commands/script.ts'
import { addSend } from './commands/send.ts'
import { addServe } from './commands/serve.ts'
import { addUser } from './commands/user.ts'
import { addWatch } from './commands/watch.ts'
import { exitCodesHelp } from './exit-codes.ts'

const introduction = `Verona: instant messages and presence for the users of a domain, whatever they speak.

New here? Start the server, and in another terminal add two people and let one write to the other:

  verona serve
  verona user add juliet@localhost
  verona user add romeo@localhost
  verona send --as romeo@localhost juliet@localhost "Good night"`

/** The whole command line. It throws CommanderError instead of ending the process. */
export function programOf(context: CommandContext, version: string): Command {
  const program = new Command('verona')
    .description(introduction)
    .version(version)
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help to see what there is)')
    .addHelpText('after', exitCodesHelp)
    .configureOutput({
      writeOut: (text) => context.terminal.out(text),
      writeErr: (text) => context.terminal.err(text),
    })
    .exitOverride()
  program.commandsGroup('Server:')
  addServe(program, context)
  addDoctor(program, context)
  program.commandsGroup('Accounts, contacts and scripts (while the server runs, or without it):')
  addUser(program, context)
  addContact(program, context)
  addScript(program, context)
  program.commandsGroup('Other domains:')
  addPeers(program, context)
  program.commandsGroup('As a person (through the running server):')
  addSend(program, context)
  addWatch(program, context)
  addFetch(program, context)
  addPresence(program, context)
  addAcl(program, context)
  addHistory(program, context)
  inherit(program, program.commands)
  return program
}

/** Settings of the program that commander does not hand down to commands that are there already. */
function inherit(program: Command, commands: readonly Command[]): void {
  for (const command of commands) {
    command.copyInheritedSettings(program)
    inherit(program, command.commands)
  }
}
