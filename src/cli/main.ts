// The executable's start: the process as a terminal, and its exit code.
import { loadConfiguration, openControl, version } from '#server'
import { logInByApex } from './apex-person.ts'
import type { CommandContext } from './commands/command.ts'
import { logInByImpp } from './impp-person.ts'
import { logInByPrim } from './prim-person.ts'
import { run } from './run.ts'
import { processTerminal } from './terminal.ts'

const terminal = processTerminal()
const context: CommandContext = {
  terminal,
  openControl: async (file) => openControl(await loadConfiguration({ file })),
  logIn: (options) => logInByImpp(terminal, options),
  logInBy: {
    prim: (options) => logInByPrim(terminal, options),
    apex: (options) => logInByApex(terminal, options),
  },
}
// A reader that went away (`verona user list | head`) ends us quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.exitCode = await run(process.argv.slice(2), context, version)
