// Comma-separated values (RFC 4180), with the line each record begins on, so that a message can name it. LF alone ends a line, too.

export interface CsvRecord {
  /** From 1. */
  readonly line: number
  readonly fields: readonly string[]
}

/** A line that breaks the grammar. Reading goes on with the next one. */
export interface CsvFault {
  readonly line: number
  readonly what: string
}

export interface CsvTable {
  readonly records: readonly CsvRecord[]
  readonly faults: readonly CsvFault[]
}

/** Reads all records; empty lines are passed over. */
export function readCsv(text: string): CsvTable {
  const records: CsvRecord[] = []
  const faults: CsvFault[] = []
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  while (at < text.length) {
    const read = readRecord(text, at)
    if ('what' in read) {
      faults.push({ line, what: read.what })
      at = lineEnd(text, at)
      line++
      continue
    }
    const { fields, lines, end } = read
    if (fields.length > 1 || fields[0] !== '') records.push({ line, fields })
    at = end
    line += lines
  }
  return { records, faults }
}

/** The record at `start`, where the next one is, and how many lines it took; or what is wrong with it. */
function readRecord(
  text: string,
  start: number,
): { fields: string[]; lines: number; end: number } | { what: string } {
  const fields: string[] = []
  let at = start
  let lines = 1
  for (;;) {
    const quoted = text[at] === '"'
    const end = quoted ? closingQuote(text, at + 1) : plainEnd(text, at)
    if (end < 0) return { what: 'a quotation mark is not closed' }
    const raw = text.slice(quoted ? at + 1 : at, end)
    fields.push(quoted ? raw.replaceAll('""', '"') : raw)
    if (quoted) for (const character of raw) if (character === '\n') lines++
    if (!quoted && raw.includes('"'))
      return { what: 'a quotation mark inside a field that does not begin with one' }
    at = quoted ? end + 1 : end
    if (text[at] !== ',') break
    at++
  }
  if (text[at] === '\r' && text[at + 1] === '\n') at++
  if (at < text.length && text[at] !== '\n') return { what: 'something follows the closing quotation mark' }
  return { fields, lines, end: at + 1 }
}

/** -1 where there is none. */
function closingQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] !== '"') continue
    if (text[at + 1] !== '"') return at
    at++
  }
  return -1
}

/** Behind the line that begins at `start`. */
function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end + 1
}

function plainEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (character === ',' || character === '\n') return at
    if (character === '\r' && text[at + 1] === '\n') return at
  }
  return text.length
}
