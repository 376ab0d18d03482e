// Comma-separated values (RFC 4180), with the line each record begins on, so that a message can name it. LF alone ends a line, too.

export interface CsvRecord {
  /** From 1. */
  readonly line: number
  readonly fields: readonly string[]
}

export class CsvFault extends Error {
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`)
    this.name = 'CsvFault'
  }
}

/** Reads all records; empty lines are passed over. Throws CsvFault where the text breaks the grammar. */
export function readCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = []
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  while (at < text.length) {
    const start = line
    const fields: string[] = []
    for (;;) {
      const quoted = text[at] === '"'
      const end = quoted ? closingQuote(text, at + 1, line) : plainEnd(text, at)
      const raw = text.slice(quoted ? at + 1 : at, end)
      fields.push(quoted ? raw.replaceAll('""', '"') : raw)
      if (quoted) for (const character of raw) if (character === '\n') line++
      if (!quoted && raw.includes('"'))
        throw new CsvFault(line, 'a quotation mark inside a field that does not begin with one')
      at = quoted ? end + 1 : end
      if (text[at] !== ',') break
      at++
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++
    if (at < text.length && text[at] !== '\n')
      throw new CsvFault(line, 'something follows the closing quotation mark')
    at++
    line++
    if (fields.length > 1 || fields[0] !== '') records.push({ line: start, fields })
  }
  return records
}

function closingQuote(text: string, start: number, line: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] !== '"') continue
    if (text[at + 1] !== '"') return at
    at++
  }
  throw new CsvFault(line, 'a quotation mark is not closed')
}

function plainEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (character === ',' || character === '\n') return at
    if (character === '\r' && text[at + 1] === '\n') return at
  }
  return text.length
}
