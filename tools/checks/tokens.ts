// The tokens of a TypeScript file, as far as finding its imports needs them: words, strings and signs; comments, templates,
// numbers and regular expressions are passed over. TypeScript 7 offers no parser to programs, and a parser that silently
// sees nothing would make every check pass: what this one sees is compared with what Node really loads.

export interface Token {
  kind: 'word' | 'string' | 'sign'
  /** The word, the string's content (escapes as written), or the sign. */
  text: string
  offset: number
}

/** After these words a slash begins a regular expression, after others it divides. */
const wordsBeforeExpression = new Set(
  'return typeof case in of do else void delete throw new await yield instanceof extends'.split(' '),
)

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  /** For each open brace: whether it is the hole of a template, after which the template goes on. */
  const holes: boolean[] = []
  let at = source.startsWith('#!') ? lineEnd(source, 0) : 0
  while (at < source.length) {
    const next = skipBlank(source, at)
    if (next !== at) {
      at = next
      continue
    }
    const char = source[at] as string
    const start = at
    if (isWordChar(char)) {
      while (at < source.length && isWordChar(source[at] as string)) at++
      tokens.push({ kind: 'word', text: source.slice(start, at), offset: start })
    } else if (char === "'" || char === '"') {
      at = stringEnd(source, at)
      tokens.push({ kind: 'string', text: source.slice(start + 1, at - 1), offset: start })
    } else if (char === '`' || (char === '}' && holes.pop() === true)) {
      const end = templateEnd(source, at + 1)
      if (end.hole) holes.push(true)
      at = end.at
      if (!end.hole) tokens.push({ kind: 'sign', text: '`', offset: start })
    } else if (char === '/' && mayBeginExpression(tokens.at(-1))) {
      at = regularExpressionEnd(source, at)
      tokens.push({ kind: 'sign', text: '/ /', offset: start })
    } else {
      if (char === '{') holes.push(false)
      tokens.push({ kind: 'sign', text: char, offset: start })
      at++
    }
  }
  return tokens
}

/** Past white space and comments. */
function skipBlank(source: string, at: number): number {
  const char = source[at] as string
  if (char <= ' ' || char === '\u00a0' || char === '\ufeff') return at + 1
  if (source.startsWith('//', at)) return lineEnd(source, at)
  if (!source.startsWith('/*', at)) return at
  const end = source.indexOf('*/', at + 2)
  return end < 0 ? source.length : end + 2
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at)
  return end < 0 ? source.length : end
}

function isWordChar(char: string): boolean {
  return /[\p{ID_Continue}$#@]/u.test(char)
}

function stringEnd(source: string, at: number): number {
  const quote = source[at]
  for (let end = at + 1; end < source.length; end++) {
    if (source[end] === '\\') end++
    else if (source[end] === quote) return end + 1
  }
  return source.length
}

/** From inside a template: past its end, or past the `${` of a hole. */
function templateEnd(source: string, from: number): { at: number; hole: boolean } {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === '`') return { at: at + 1, hole: false }
    else if (source.startsWith('${', at)) return { at: at + 2, hole: true }
  }
  return { at: source.length, hole: false }
}

function mayBeginExpression(before: Token | undefined): boolean {
  if (before === undefined) return true
  if (before.kind === 'word') return wordsBeforeExpression.has(before.text)
  return before.kind === 'sign' && !')]}`'.includes(before.text) && before.text !== '/ /'
}

function regularExpressionEnd(source: string, at: number): number {
  let inClass = false
  for (let end = at + 1; end < source.length; end++) {
    const char = source[end]
    if (char === '\\') end++
    else if (char === '\n')
      return at + 1 // it was a division after all
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return end + 1
  }
  return source.length
}
