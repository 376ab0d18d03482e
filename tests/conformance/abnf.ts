// ABNF (RFC 5234, RFC 7405) as regular expressions over octets: each rule of a grammar without recursion, so that a document's grammar is
// held against what is written in it and against the codec.
import assert from 'node:assert/strict'

/** RFC 5234 appendix B.1. */
const core = `
ALPHA  = %x41-5A / %x61-7A
DIGIT  = %x30-39
HEXDIG = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"
SP     = %x20
HTAB   = %x09
CRLF   = %x0D %x0A
DQUOTE = %x22
OCTET  = %x00-FF
`

export class Grammar {
  readonly #rules = new Map<string, string>()
  readonly #compiled = new Map<string, string>()

  constructor(text: string) {
    for (const [name, elements] of rulesIn(core + text)) {
      assert.ok(!this.#rules.has(name), `${name} is there twice`)
      this.#rules.set(name, elements)
    }
  }

  get names(): string[] {
    return [...this.#rules.keys()]
  }

  /** Whether the octets are just what the rule says. */
  matches(rule: string, octets: string | Uint8Array): boolean {
    const text = Buffer.from(octets as Uint8Array).toString('latin1')
    return new RegExp(`^(?:${this.#pattern(rule.toLowerCase(), [])})$`).test(text)
  }

  #pattern(name: string, within: readonly string[]): string {
    const known = this.#compiled.get(name)
    if (known !== undefined) return known
    assert.ok(!within.includes(name), `${name} is recursive`)
    const elements = this.#rules.get(name)
    assert.ok(elements !== undefined, `there is no rule ${name} (in ${within.at(-1)})`)
    const reader = new Reader(elements, (other) => this.#pattern(other, [...within, name]))
    const pattern = reader.whole()
    this.#compiled.set(name, pattern)
    return pattern
  }
}

function rulesIn(text: string): [string, string][] {
  const lines = text.split('\n').map((line) => line.replace(/;(?=(?:[^"]*"[^"]*")*[^"]*$).*$/, '').trimEnd())
  const rules: [string, string][] = []
  for (const line of lines) {
    const match = /^([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/.exec(line)
    if (match !== null) rules.push([(match[1] as string).toLowerCase(), match[2] as string])
    else if (line.trim() !== '') (rules.at(-1) as [string, string])[1] += ` ${line.trim()}`
  }
  return rules
}

/** Elements of a rule, read by descent. */
class Reader {
  readonly #text: string
  readonly #ruleOf: (name: string) => string
  #at = 0

  constructor(text: string, ruleOf: (name: string) => string) {
    this.#text = text
    this.#ruleOf = ruleOf
  }

  whole(): string {
    const pattern = this.#alternation()
    assert.equal(this.#at, this.#text.length, `"${this.#text.slice(this.#at)}" is not understood`)
    return pattern
  }

  #alternation(): string {
    const choices = [this.#concatenation()]
    while (this.#take(/\s*\/\s*/y) !== undefined) choices.push(this.#concatenation())
    return choices.length === 1 ? (choices[0] as string) : `(?:${choices.join('|')})`
  }

  #concatenation(): string {
    let pattern = this.#repetition()
    while (this.#take(/\s+(?=[^/)\]\s])/y) !== undefined) pattern += this.#repetition()
    return pattern
  }

  #repetition(): string {
    const [, least = '', star, most = ''] = this.#take(/(\d*)(\*?)(\d*)/y) ?? []
    const element = this.#element()
    if (star === '*') return `(?:${element}){${least === '' ? 0 : least},${most}}`
    return least === '' ? element : `(?:${element}){${least}}`
  }

  #element(): string {
    if (this.#take(/\(\s*/y) !== undefined) return this.#closed(/\s*\)/y)
    if (this.#take(/\[\s*/y) !== undefined) return `(?:${this.#closed(/\s*\]/y)})?`
    const sensitive = this.#take(/%s"([^"]*)"/y)
    if (sensitive !== undefined) return escaped(sensitive[1] as string)
    const insensitive = this.#take(/"([^"]*)"/y)
    if (insensitive !== undefined)
      return escaped(insensitive[1] as string).replace(
        /[a-z]/gi,
        (c) => `[${c.toLowerCase()}${c.toUpperCase()}]`,
      )
    const range = this.#take(/%x([0-9A-F]{2})(?:-([0-9A-F]{2}))?/y)
    if (range !== undefined) return `[\\x${range[1]}-\\x${range[2] ?? range[1]}]`
    const name = this.#take(/[A-Za-z][A-Za-z0-9-]*/y)?.[0]
    assert.ok(name !== undefined, `"${this.#text.slice(this.#at)}" is no element`)
    return this.#ruleOf(name.toLowerCase())
  }

  #closed(end: RegExp): string {
    const pattern = this.#alternation()
    assert.ok(this.#take(end) !== undefined, `"${this.#text.slice(this.#at)}" is not closed`)
    return `(?:${pattern})`
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
