// An element as a tree: for what the server itself answers, never for what it only passes on.
// A tree never changes once it is made.

import { xmlNamespace } from './namespaces.ts'

export type Node = Element | string

/** Attributes by local name; those in a namespace by `{namespace}local`. An undefined value is left out. */
export type AttributeRecord = Readonly<Record<string, string | undefined>>

export class Element {
  /** Local part of the name. */
  readonly name: string
  readonly namespace: string
  /** Keys: the local name, or `{namespace}local` where the attribute has a namespace. */
  readonly attributes: ReadonlyMap<string, string>
  /** Elements and character data in document order; never two texts side by side, never an empty one. */
  readonly children: readonly Node[]

  constructor(
    name: string,
    namespace: string,
    attributes: ReadonlyMap<string, string>,
    children: readonly Node[],
  ) {
    this.name = name
    this.namespace = namespace
    this.attributes = attributes
    this.children = children
  }

  is(name: string, namespace: string): boolean {
    return this.name === name && this.namespace === namespace
  }

  attribute(name: string, namespace = ''): string | undefined {
    return this.attributes.get(namespace === '' ? name : `{${namespace}}${name}`)
  }

  /** xml:lang of this very element. */
  get lang(): string | undefined {
    return this.attribute('lang', xmlNamespace)
  }

  elements(): Element[] {
    return this.children.filter((child) => typeof child !== 'string')
  }

  /** The first child element of that name; of this element's namespace where none is given. */
  child(name: string, namespace = this.namespace): Element | undefined {
    for (const child of this.children)
      if (typeof child !== 'string' && child.is(name, namespace)) return child
    return undefined
  }

  childrenNamed(name: string, namespace = this.namespace): Element[] {
    return this.elements().filter((child) => child.is(name, namespace))
  }

  /** Its own character data, joined; that of elements inside is left out. */
  text(): string {
    let joined = ''
    for (const child of this.children) if (typeof child === 'string') joined += child
    return joined
  }

  /** Text of the first child of that name, or undefined when there is none. */
  childText(name: string, namespace = this.namespace): string | undefined {
    return this.child(name, namespace)?.text()
  }
}

/** An element to be written: `xml('priority', 'jabber:client', {}, '5')`. */
export function xml(
  name: string,
  namespace: string,
  attributes: AttributeRecord = {},
  ...children: readonly (Node | undefined)[]
): Element {
  const kept = new Map<string, string>()
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) kept.set(key, value)
  return new Element(name, namespace, kept, joinTexts(children))
}

/** Without undefined and empty entries, and texts side by side made one. */
export function joinTexts(nodes: readonly (Node | undefined)[]): Node[] {
  const joined: Node[] = []
  for (const node of nodes) {
    if (node === undefined || node === '') continue
    const last = joined.at(-1)
    if (typeof node === 'string' && typeof last === 'string') joined[joined.length - 1] = last + node
    else joined.push(node)
  }
  return joined
}
