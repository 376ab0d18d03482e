// A small reader of well-formed XML text for the test's XMPP client: apart from the server's own, so that one can't hide a
// fault of the other. Only what a test needs: elements, attributes, text; prefixes resolved.

export interface Node {
  readonly name: string
  readonly namespace: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Node[]
  readonly text: string
}

const tag = /<(\/?)([^\s/>!?]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/y
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

export function unescaped(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (_, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16))
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)))
    return entities[name] ?? ''
  })
}

interface Open {
  readonly name: string
  readonly attributes: Map<string, string>
  readonly scope: ReadonlyMap<string, string>
  readonly children: Node[]
  text: string
}

/** Cuts top-level elements out of a stream of text. The stream header itself is given by `onHeader`. */
export class XmlReader {
  #rest = ''
  #stack: Open[] = []
  readonly #streamed: boolean
  readonly #onElement: (node: Node) => void
  readonly #onEnd: () => void

  /** @param streamed true: the first tag opens a stream whose children are the elements */
  constructor(streamed: boolean, onElement: (node: Node) => void, onEnd: () => void) {
    this.#streamed = streamed
    this.#onElement = onElement
    this.#onEnd = onEnd
  }

  read(text: string): void {
    this.#rest += text
    for (;;) {
      const at = this.#rest.indexOf('<')
      const open = this.#stack.at(-1)
      if (at > 0) {
        if (open !== undefined) open.text += unescaped(this.#rest.slice(0, at))
        this.#rest = this.#rest.slice(at)
      }
      if (at < 0 || !this.#tag()) return
    }
  }

  #tag(): boolean {
    if (this.#rest.startsWith('<?')) {
      const end = this.#rest.indexOf('?>')
      if (end < 0) return false
      this.#rest = this.#rest.slice(end + 2)
      return true
    }
    tag.lastIndex = 0
    const found = tag.exec(this.#rest)
    if (found === null) return false
    this.#rest = this.#rest.slice(found[0].length)
    const [, closing, name = '', written = '', empty] = found
    if (closing === '/') this.#close()
    else {
      this.#open(name, written)
      if (empty === '/') this.#close()
    }
    return true
  }

  #open(name: string, written: string): void {
    const attributes = new Map<string, string>()
    for (const [, key = '', double, single] of written.matchAll(attribute)) {
      attributes.set(key, unescaped(double ?? single ?? ''))
    }
    const scope = new Map(this.#stack.at(-1)?.scope ?? [['xml', 'http://www.w3.org/XML/1998/namespace']])
    for (const [key, value] of attributes) {
      if (key === 'xmlns') scope.set('', value)
      else if (key.startsWith('xmlns:')) scope.set(key.slice(6), value)
    }
    this.#stack.push({ name, attributes, scope, children: [], text: '' })
  }

  #close(): void {
    const open = this.#stack.pop() as Open
    const [local = '', prefix = ''] = open.name.split(':').reverse()
    const attributes = new Map([...open.attributes].filter(([key]) => !/^xmlns(:|$)/.test(key)))
    const node: Node = {
      name: local,
      namespace: open.scope.get(prefix) ?? '',
      attributes,
      children: open.children,
      text: open.text,
    }
    const depth = this.#stack.length
    if (depth === 0) {
      if (this.#streamed) this.#onEnd()
      else this.#onElement(node)
    } else if (depth === 1 && this.#streamed) this.#onElement(node)
    else this.#stack.at(-1)?.children.push(node)
  }
}

/** Reads one element, with `xmlns` in scope as the default namespace. */
export function readNode(text: string, namespace: string): Node {
  const found: Node[] = []
  new XmlReader(
    true,
    (node) => found.push(node),
    () => {},
  ).read(`<s xmlns='${namespace}'>${text}</s>`)
  const node = found[0]
  if (found.length !== 1 || node === undefined) throw new Error(`not one element: ${text}`)
  return node
}

export function nodeText(node: Node): string {
  const attributes = [...node.attributes].map(([key, value]) => ` ${key}='${value}'`).join('')
  const inside = node.text.trim() + node.children.map(nodeText).join('')
  return `<${node.name} xmlns='${node.namespace}'${attributes}>${inside}</${node.name}>`
}
