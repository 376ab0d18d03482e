// What a module imports: `import`, `export ... from`, `import()`, and `new URL('...', import.meta.url)`, by which workers
// and data files are named.

import { type Token, tokensOf } from './tokens.ts'

export interface Import {
  /** As written; undefined where `import()` is given something else than a string. */
  specifier: string | undefined
  /** `type` is erased before the module runs; `worker` is a file named by URL. */
  kind: 'value' | 'type' | 'dynamic' | 'worker'
  /** The exported names it asks for, or `*` for all (a side effect alone asks for none). */
  names: string[] | '*'
  /** Whether the module hands these names on (`export ... from`). */
  handsOn: boolean
  line: number
}

export function importsOf(source: string): Import[] {
  const tokens = tokensOf(source)
  const found: Import[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind !== 'word' || isSign(tokens[at - 1], '.')) continue
    const read =
      token.text === 'import'
        ? importAt(tokens, at)
        : token.text === 'export'
          ? exportAt(tokens, at)
          : token.text === 'new'
            ? urlAt(tokens, at)
            : undefined
    if (read) found.push({ ...read, line: lineOf(source, token.offset) })
  }
  return found
}

type Read = Omit<Import, 'line'>

function importAt(tokens: Token[], at: number): Read | undefined {
  const next = tokens[at + 1]
  if (isSign(next, '.') || isSign(next, ':')) return undefined // import.meta; a property of that name
  if (next?.kind === 'string') return { specifier: next.text, kind: 'value', names: [], handsOn: false }
  if (isSign(next, '(')) {
    const [argument, after] = [tokens[at + 2], tokens[at + 3]]
    const literal = argument?.kind === 'string' && (isSign(after, ')') || isSign(after, ','))
    return { specifier: literal ? argument.text : undefined, kind: 'dynamic', names: '*', handsOn: false }
  }
  return clauseAt(tokens, at + 1, false)
}

function exportAt(tokens: Token[], at: number): Read | undefined {
  const next = tokens[at + 1]
  const first = isWord(next, 'type') ? tokens[at + 2] : next
  if (!isSign(first, '{') && !isSign(first, '*')) return undefined // a declaration
  return clauseAt(tokens, at + 1, true)
}

/** `[type] [Default,] [* as name | { a, type b as c }] from '...'`; undefined where no `from` follows. */
function clauseAt(tokens: Token[], start: number, handsOn: boolean): Read | undefined {
  let at = start
  const isType = isWord(tokens[at], 'type') && !isWord(tokens[at + 1], 'from') && !isSign(tokens[at + 1], ',')
  if (isType) at++
  let names: string[] | '*' = []
  for (; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (isWord(token, 'from') && tokens[at + 1]?.kind === 'string') {
      const specifier = (tokens[at + 1] as Token).text
      return { specifier, kind: isType ? 'type' : 'value', names, handsOn }
    }
    if (isSign(token, '{')) {
      const end = tokens.findIndex((other, index) => index > at && isSign(other, '}'))
      names = [...names, ...namesBetween(tokens.slice(at + 1, end), handsOn)]
      at = end
      if (handsOn && !isWord(tokens[at + 1], 'from')) return undefined // export { a }
    } else if (isSign(token, '*')) {
      names = '*'
    } else if (token.kind === 'word' && names !== '*' && token.text !== 'as' && token.text !== 'from') {
      names = [...names, 'default']
    } else if (token.kind !== 'word' && !isSign(token, ',')) {
      return undefined
    }
  }
  return undefined
}

/**
 * The names in `a, type b as c`: as the other module exports them, or, where they are handed on, as this one does. Those that
 * are types alone are erased and asked of nobody.
 */
function namesBetween(tokens: Token[], handsOn: boolean): string[] {
  const names: string[] = []
  let entry: Token[] = []
  for (const token of [...tokens, { kind: 'sign', text: ',', offset: 0 } as Token]) {
    if (!isSign(token, ',')) {
      entry.push(token)
      continue
    }
    const isType =
      isWord(entry[0], 'type') && entry.length > 1 && !(entry.length === 3 && isWord(entry[1], 'as'))
    const name = handsOn ? entry.at(-1) : entry[0]
    if (name && !isType) names.push(name.text)
    entry = []
  }
  return names
}

/** `new URL('...', import.meta.url)` */
function urlAt(tokens: Token[], at: number): Read | undefined {
  const [url, open, name, comma, word, dot, meta] = tokens.slice(at + 1, at + 8)
  const matches = isWord(url, 'URL') && isSign(open, '(') && name?.kind === 'string' && isSign(comma, ',')
  if (!matches || !isWord(word, 'import') || !isSign(dot, '.') || !isWord(meta, 'meta')) return undefined
  return { specifier: name.text, kind: 'worker', names: '*', handsOn: false }
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text
}

function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}
