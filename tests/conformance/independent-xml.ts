// A reader of small XML documents for the clients that share no code with the server (RFC 3080 §6.4): elements, attributes, text, CDATA, the
// references of XML itself. Whatever else comes is a fault of who wrote it.

export interface Node {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly (Node | string)[]
  /** As it stood. */
  readonly source: string
}

/** @throws Error where the document is none */
export function readXml(source: string): Node {
  const reader = new Reader(source.trim())
  const node = reader.element()
  reader.end()
  return node
}

export function elementsOf(node: Node): Node[] {
  return node.children.filter((child): child is Node => typeof child !== 'string')
}

export function textOf(node: Node): string {
  return node.children.map((child) => (typeof child === 'string' ? child : '')).join('')
}

export function quoted(text: string): string {
  return text.replace(/[&<>'"]/g, (found) => `&#${found.charCodeAt(0)};`)
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }

class Reader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  element(): Node {
    const start = this.#at
    const [, name = ''] = this.#take(/<([A-Za-z_:\u{c0}-\u{effff}][\w.:\u{b7}-\u{effff}-]*)/uy, 'a start tag')
    const attributes = new Map<string, string>()
    for (;;) {
      if (this.#skips(/\s*\/>/y)) return { name, attributes, children: [], source: this.#since(start) }
      if (this.#skips(/\s*>/y)) break
      const [, attribute = '', , single, double] = this.#take(
        /\s+([A-Za-z_:\u{c0}-\u{effff}][\w.:\u{b7}-\u{effff}-]*)\s*=\s*('([^<']*)'|"([^<"]*)")/uy,
        'an attribute',
      )
      if (attributes.has(attribute)) throw new Error(`${attribute} twice`)
      // XML 1.0 §3.3.3: white space that is not written as a reference is a space.
      attributes.set(attribute, meant((single ?? double ?? '').replace(/\r\n|[\t\r\n]/g, ' ')))
    }
    const children = this.#inside(name)
    return { name, attributes, children, source: this.#since(start) }
  }

  end(): void {
    if (this.#at < this.#source.length) throw new Error(`more behind the document: ${this.#rest()}`)
  }

  #inside(name: string): (Node | string)[] {
    const children: (Node | string)[] = []
    for (;;) {
      const [text] = this.#take(/[^<]*/y, 'text')
      if (text !== '') children.push(meant(text))
      const literal = this.#skips(/<!\[CDATA\[([\s\S]*?)\]\]>/y)
      if (literal) children.push(literal[1] ?? '')
      else if (this.#source.startsWith('</', this.#at)) {
        const [, ended] = this.#take(/<\/([^\s>]+)\s*>/y, 'an end tag')
        if (ended !== name) throw new Error(`<${name}> ends as </${ended}>`)
        return children
      } else children.push(this.element())
    }
  }

  #skips(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at
    const found = form.exec(this.#source)
    if (found !== null) this.#at = form.lastIndex
    return found
  }

  #take(form: RegExp, what: string): RegExpExecArray {
    const found = this.#skips(form)
    if (found === null) throw new Error(`no ${what}: ${this.#rest()}`)
    return found
  }

  #rest(): string {
    return this.#source.slice(this.#at, this.#at + 60)
  }

  #since(start: number): string {
    return this.#source.slice(start, this.#at)
  }
}

function meant(text: string): string {
  return text.replace(/&(#x?)?([^;]*);?/g, (_whole, number: string | undefined, name: string) => {
    if (number !== undefined) return String.fromCodePoint(Number.parseInt(name, number === '#x' ? 16 : 10))
    const found = named[name]
    if (found === undefined) throw new Error(`no such entity: ${name}`)
    return found
  })
}
