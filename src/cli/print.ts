// How results are written: a table for a person, JSON for a script.
import type { Terminal } from './terminal.ts'

/** One JSON value on a line. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value)}\n`)
}

/** Columns aligned; nothing at all for no rows. */
export function printTable(
  terminal: Terminal,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  if (rows.length === 0) return
  const lines = [header, ...rows].map((row) => row.map(visible))
  const widths = header.map((_, column) => Math.max(...lines.map((row) => (row[column] ?? '').length)))
  for (const row of lines) {
    terminal.out(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
}

/** What strangers wrote must not move the cursor or colour the screen: controls become their names. */
export function visible(written: string): string {
  return written.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    },
  )
}
