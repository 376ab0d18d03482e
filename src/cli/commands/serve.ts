// verona serve
import type { Command } from 'commander'
import { loadConfiguration, serve } from '#server'
import { type CommandContext, type ConfigOptions, withConfig } from './command.ts'

/** How this installation calls the command: from a checkout, or installed, where nothing is TypeScript. */
const commandName = import.meta.filename.endsWith('.ts') ? 'bin/verona' : 'verona'

export function addServe(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command('serve')
    .description('run the server until Ctrl-C')
    .action(async (options: ConfigOptions) => {
      const configuration = await loadConfiguration({
        file: options.config,
        environment: terminal.environment,
        directory: terminal.directory,
      })
      await serve(configuration, { command: commandName, say: (text) => terminal.out(`${text}\n`) })
    })
  withConfig(command)
}
