// verona serve
import type { Command } from 'commander'
import { loadConfiguration, serve } from '#server'
import { type CommandContext, type ConfigOptions, withConfig } from './command.ts'

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
      const command = terminal.environment.VERONA_COMMAND ?? 'bin/verona'
      await serve(configuration, { command, say: (text) => terminal.out(`${text}\n`) })
    })
  withConfig(command)
}
