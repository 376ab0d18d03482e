// Colours, where a person reads: on a terminal, unless NO_COLOR says otherwise (no-color.org).
import type { Terminal } from './terminal.ts'

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof codes

/** The text as it is where nobody sees colours. What strangers wrote must be made visible before. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.coloured ? `\u001b[${codes[style]}m${text}\u001b[0m` : text
}
