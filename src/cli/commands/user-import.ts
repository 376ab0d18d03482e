import type { Command } from 'commander'
import type { Control } from '../control.ts'
import { CommandFailure } from '../exit-codes.ts'
import { readInput } from '../input-file.ts'
import { printJson, visible } from '../print.ts'
import { ProgressBar } from '../progress-bar.ts'
import { readSubscriberTable, type SubscriberTable, type TableLine } from '../subscriber-table.ts'
import type { Terminal } from '../terminal.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly domain?: string
  readonly skipBad?: boolean
  readonly json?: boolean
}

interface RefusedLine {
  readonly line: number
  readonly address: string
  readonly condition: string
}

export function addUserImport(parent: Command, context: CommandContext): void {
  const command = parent
    .command('import <file.csv>')
    .description(
      'add many accounts from a file whose first line is: address,password; or from the table of another server',
    )
    .option('--domain <domain>', 'the domain of users for whom the file names none')
    .option('--skip-bad', 'add the good lines of a file that has bad ones, too')
    .addHelpText(
      'after',
      `
The first line names the columns: address, password and, if wanted, aliases (with spaces between them). A name that is taken
is told and left as it is; all others are added. The file "-" is standard input. Each account costs about 10 ms of one core,
because passwords are kept in a form that is slow to guess: 10,000 accounts take a minute or two on two cores.

The subscribers of another server are taken from its table, with the names that its columns have: username (or user, name, id);
domain or realm; and password (or secret), or a digest: ha1, ha1b, ha1_sha256 (Kamailio, OpenSIPS), md5_cred, password_digest,
md5secret (Asterisk), a1-hash (FreeSWITCH). Other columns are passed over. Who has a digest alone logs in by SIP at once, and by
the other protocols once they have shown their password there (PLAIN over TLS).`,
    )
    .action((file: string, options: Options) => userImport(context, file, options))
  withJson(withConfig(command))
}

async function userImport(context: CommandContext, file: string, options: Options): Promise<void> {
  const { terminal } = context
  const { lines, bad } = tableOf(await readInput(terminal, file), file, options, terminal)
  const notAdded = await usingControl(context, options, (control) =>
    addAll(control, lines, terminal, options.json !== true),
  )
  const added = lines.length - notAdded.length
  const unread = bad.map(({ line, address }) => ({ line, address, condition: 'malformed' }))
  const refused = [...unread, ...notAdded].sort((a, b) => a.line - b.line)
  if (options.json === true) printJson(terminal, { added, refused })
  else terminal.err(`added ${added} of ${lines.length + bad.length} accounts\n`)
  if (refused.length > 0) throw new CommandFailure('')
}

/** The lines of the file. Those that are bad are all told; then nothing is added, or with `--skip-bad` all others are. */
function tableOf(text: string, file: string, options: Options, terminal: Terminal): SubscriberTable {
  const table = readSubscriberTable(text, options.domain)
  if (typeof table === 'string') throw new CommandFailure(`${file}, ${table}`)
  const { bad } = table
  if (options.json !== true || options.skipBad !== true)
    for (const { line, address, what } of bad)
      terminal.err(`line ${line}${address === '' ? '' : `, ${visible(address)}`}: ${visible(what)}\n`)
  if (bad.length > 0 && options.skipBad !== true)
    throw new CommandFailure(
      `${file}: ${bad.length === 1 ? 'one line is' : `${bad.length} lines are`} bad, and nothing was added; --skip-bad adds the others`,
    )
  return table
}

async function addAll(
  control: Control,
  lines: readonly TableLine[],
  terminal: Terminal,
  telling: boolean,
): Promise<RefusedLine[]> {
  const bar = new ProgressBar(terminal, lines.length)
  const refused: RefusedLine[] = []
  let at = 0
  bar.show(0)
  for await (const results of control.importAccounts(lines.map(({ account }) => account))) {
    for (const result of results) {
      const { line, account } = lines[at++] as TableLine
      const { address } = account
      if (result.added) continue
      bar.clear()
      if (telling) terminal.err(`line ${line}, ${visible(address)}: ${result.message}\n`)
      refused.push({ line, address, condition: result.condition })
    }
    bar.show(at)
  }
  bar.clear()
  return refused
}
