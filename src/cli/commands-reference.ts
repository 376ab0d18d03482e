// The reference of all commands, from their definitions.
import type { Command } from 'commander'
import { exitCodesHelp } from './exit-codes.ts'

/** docs/reference/commands.md. */
export function commandsReference(program: Command): string {
  const preface = `# Commands

<!-- Generated from the definitions by \`tools/reference.ts\`. -->

\`bin/verona COMMAND\`, or \`verona COMMAND\` where the package is installed.
${exitCodesHelp.replace(/^ {2}(\d+) {2}/gm, '- $1: ')}`
  return `${[preface, ...program.commands.flatMap((command) => partsOf(command))].join('\n\n')}\n`
}

function partsOf(command: Command): string[] {
  if (command.commands.length > 0) return command.commands.flatMap((inner) => partsOf(inner))
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 100 })
  command.outputHelp()
  return [`## ${nameOf(command)}\n\n\`\`\`\n${help.trimEnd()}\n\`\`\``]
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}
