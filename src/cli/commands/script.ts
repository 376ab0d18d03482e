// verona script
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { readInput } from '../input-file.ts'
import { printJson } from '../print.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

export function addScript(program: Command, context: CommandContext): void {
  const script = program
    .command('script')
    .description(
      'what is done with calls and messages of an account (CPL, RFC 3880): set, show, remove, check',
    )
  const set = script
    .command('set <address> <file>')
    .description('put a script in place; - is standard input')
    .addHelpText(
      'after',
      `
Phones may put their own in place: REGISTER with a body of application/cpl+xml and Content-Disposition: script;action=store.

Example:
  verona script set juliet@example.com evening.cpl`,
    )
    .action((address: string, file: string, options: Options) => setScript(context, address, file, options))
  const show = script
    .command('show <address>')
    .description('show the script of an account, as it was written')
    .action((address: string, options: Options) => showScript(context, address, options))
  const remove = script
    .command('remove <address>')
    .description('take the script of an account away')
    .action((address: string, options: Options) => removeScript(context, address, options))
  const check = script
    .command('check <file>')
    .description('say what is wrong with a script first, and where; - is standard input')
    .action((file: string, options: Options) => checkScript(context, file, options))
  for (const command of [set, show, remove, check]) withJson(withConfig(command))
}

async function setScript(
  context: CommandContext,
  address: string,
  file: string,
  options: Options,
): Promise<void> {
  const script = await readInput(context.terminal, file)
  await usingControl(context, options, async (control) => {
    // Asked before, so that the fault is told with the file that it is in.
    failWhere(file, await control.checkScript(script))
    await control.setScript(address, script)
  })
  if (options.json === true) return printJson(context.terminal, { address })
  context.terminal.err(`the script of ${address} is in place\n`)
}

async function showScript(context: CommandContext, address: string, options: Options): Promise<void> {
  const { terminal } = context
  const script = await usingControl(context, options, (control) => control.script(address))
  if (options.json === true) return printJson(terminal, { address, ...(script !== undefined && { script }) })
  if (script === undefined) return terminal.err(`${address} has no script\n`)
  terminal.out(script.endsWith('\n') ? script : `${script}\n`)
}

async function removeScript(context: CommandContext, address: string, options: Options): Promise<void> {
  await usingControl(context, options, (control) => control.removeScript(address))
  if (options.json === true) return printJson(context.terminal, { address })
  context.terminal.err(`${address} has no script now\n`)
}

async function checkScript(context: CommandContext, file: string, options: Options): Promise<void> {
  const script = await readInput(context.terminal, file)
  const fault = await usingControl(context, options, (control) => control.checkScript(script))
  failWhere(file, fault)
  if (options.json === true) return printJson(context.terminal, { file })
  context.terminal.err(`${file} is a script\n`)
}

function failWhere(
  file: string,
  fault: { readonly line: number; readonly column: number; readonly reason: string } | undefined,
): void {
  if (fault === undefined) return
  throw new CommandFailure(`${file}:${fault.line}:${fault.column}: ${fault.reason}`, exitCodes.failed)
}
