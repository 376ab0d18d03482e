// What a command reads: a file, or with `-` standard input.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export async function readInput(terminal: Terminal, file: string): Promise<string> {
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
