// verona user import FILE.csv
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Control } from '../control.ts'
import { CsvFault, type CsvRecord, readCsv } from '../csv.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson, visible } from '../print.ts'
import { ProgressBar } from '../progress-bar.ts'
import type { Terminal } from '../terminal.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

interface Line {
  readonly line: number
  readonly address: string
  readonly aliases: readonly string[]
  readonly password: string
}

interface RefusedLine {
  readonly line: number
  readonly address: string
  readonly condition: string
}

export function addUserImport(parent: Command, context: CommandContext): void {
  const command = parent
    .command('import <file.csv>')
    .description('add many accounts from a file whose first line is: address,password')
    .addHelpText(
      'after',
      `
The first line names the columns: address, password and, if wanted, aliases (with spaces between them). A name that is taken
is told and left as it is; all others are added. The file "-" is standard input. Each account costs about 10 ms of one core,
because passwords are kept in a form that is slow to guess: 10,000 accounts take a minute or two on two cores.`,
    )
    .action((file: string, options: Options) => userImport(context, file, options))
  withJson(withConfig(command))
}

async function userImport(context: CommandContext, file: string, options: Options): Promise<void> {
  const { terminal } = context
  const users = usersOf(await readInput(terminal, file), file)
  const refused = await usingControl(context, options, (control) =>
    addAll(control, users, terminal, options.json !== true),
  )
  const added = users.length - refused.length
  if (options.json === true) printJson(terminal, { added, refused })
  else terminal.err(`added ${added} of ${users.length} accounts\n`)
  if (refused.length > 0) throw new CommandFailure('')
}

async function readInput(terminal: Terminal, file: string): Promise<string> {
  if (file === '-') return terminal.readAll()
  try {
    return readFileSync(resolve(terminal.directory, file), 'utf8')
  } catch (cause) {
    throw new CommandFailure(`${file} cannot be read: ${reasonOf(cause)}`, exitCodes.usage)
  }
}

function reasonOf(cause: unknown): string {
  const { code = '', message } = cause as NodeJS.ErrnoException
  return reasons[code] ?? message
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
}

/** The accounts of the file. Nothing is added before all of it is understood. */
function usersOf(text: string, file: string): Line[] {
  let records: CsvRecord[]
  try {
    records = readCsv(text)
  } catch (fault) {
    if (fault instanceof CsvFault) throw new CommandFailure(`${file}, ${fault.message}`)
    throw fault
  }
  const [header, ...rows] = records
  const columns = header?.fields.map((name) => name.trim().toLowerCase()) ?? []
  const [address, password, aliases] = ['address', 'password', 'aliases'].map((name) => columns.indexOf(name))
  const unknown = columns.find((name) => !['address', 'password', 'aliases'].includes(name))
  if (
    address === undefined ||
    address < 0 ||
    password === undefined ||
    password < 0 ||
    unknown !== undefined
  ) {
    throw new CommandFailure(`${file}, line 1: write address,password (and aliases, if there are any)`)
  }
  return rows.map(({ line, fields }) => {
    if (fields.length !== columns.length) {
      throw new CommandFailure(
        `${file}, line ${line}: ${fields.length} fields where the first line has ${columns.length}`,
      )
    }
    return {
      line,
      address: (fields[address] as string).trim(),
      password: fields[password] as string,
      aliases:
        aliases === undefined || aliases < 0
          ? []
          : (fields[aliases] as string).split(/\s+/).filter((one) => one !== ''),
    }
  })
}

async function addAll(
  control: Control,
  users: readonly Line[],
  terminal: Terminal,
  telling: boolean,
): Promise<RefusedLine[]> {
  const bar = new ProgressBar(terminal, users.length)
  const refused: RefusedLine[] = []
  let at = 0
  bar.show(0)
  const bodies = users.map(({ address, aliases, password }) => ({ address, aliases, password }))
  for await (const results of control.importAccounts(bodies)) {
    for (const result of results) {
      const { line, address } = users[at++] as Line
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
