// verona user forward ADDRESS [LOCATION]
import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson } from '../print.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly permanent?: boolean
  readonly off?: boolean
  readonly json?: boolean
}

export function addUserForward(parent: Command, context: CommandContext): void {
  const command = parent
    .command('forward <address> [location]')
    .description(
      'a person has moved: tell whoever writes to or watches them where they are; without LOCATION: show it',
    )
    .option('--permanent', 'they have moved for good (default: for a while)')
    .option('--off', 'they are back')
    .addHelpText(
      'after',
      `
LOCATION is a URI that names a person: impp://host/user, im:, pres:, sip:, sips: or xmpp:.

Example:
  verona user forward juliet@example.com im:juliet@example.net --permanent`,
    )
    .action((address: string, location: string | undefined, options: Options) =>
      userForward(context, address, location, options),
    )
  withJson(withConfig(command))
}

async function userForward(
  context: CommandContext,
  address: string,
  location: string | undefined,
  options: Options,
): Promise<void> {
  const { terminal } = context
  const { permanent = false, off = false } = options
  if (off && (permanent || location !== undefined))
    throw new CommandFailure('--off takes neither a location nor --permanent.', exitCodes.usage)
  if (permanent && location === undefined)
    throw new CommandFailure('Where to? Name the location.', exitCodes.usage)
  if (location === undefined && !off) return show(context, address, options)
  const forward = location === undefined ? {} : { location, permanent }
  await usingControl(context, options, (control) => control.setForward(address, forward))
  if (options.json === true) return printJson(terminal, { address, ...forward })
  const said = location === undefined ? 'is here again' : `is told to be at ${location}`
  terminal.err(`${address} ${said}\n`)
}

async function show(context: CommandContext, address: string, options: Options): Promise<void> {
  const { terminal } = context
  const forward = await usingControl(context, options, (control) => control.forward(address))
  if (options.json === true) return printJson(terminal, { address, ...forward })
  const { location, permanent = false } = forward
  terminal.out(location === undefined ? '' : `${location} ${permanent ? 'permanently' : 'temporarily'}\n`)
}
