// The namespace declarations that hold outside a piece of XML: those of the stream header for a stanza, those of
// the header and the stanza for a child cut out of it (Namespaces in XML 1.0 §6).

import { type Bytes, utf8 } from '#base'

export const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
export const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

export class Namespaces {
  /** Prefixes; '' is the default namespace. No prefix twice. */
  readonly prefixes: readonly string[]
  readonly uris: readonly string[]
  readonly #prefixBytes: readonly Bytes[]

  constructor(bindings: Iterable<readonly [prefix: string, uri: string]> = []) {
    const scope = new Map(bindings)
    this.prefixes = [...scope.keys()]
    this.uris = [...scope.values()]
    this.#prefixBytes = this.prefixes.map(utf8)
  }

  /** Index of the binding of a prefix given as octets, or -1. An empty range asks for the default namespace. */
  find(bytes: Bytes, start: number, end: number): number {
    const length = end - start
    search: for (let k = 0; k < this.#prefixBytes.length; k++) {
      const prefix = this.#prefixBytes[k]
      if (prefix.length !== length) continue
      for (let i = 0; i < length; i++) if (prefix[i] !== bytes[start + i]) continue search
      return k
    }
    return -1
  }

  /** The namespace bound to a prefix, or undefined. */
  uriOf(prefix: string): string | undefined {
    if (prefix === 'xml') return xmlNamespace
    const k = this.prefixes.indexOf(prefix)
    return k < 0 ? undefined : this.uris[k]
  }

  get default(): string {
    return this.uriOf('') ?? ''
  }

  /** This scope with further declarations inside it; a later one hides an earlier one. */
  with(bindings: Iterable<readonly [prefix: string, uri: string]>): Namespaces {
    return new Namespaces([...this.entries(), ...bindings])
  }

  entries(): (readonly [prefix: string, uri: string])[] {
    return this.prefixes.map((prefix, k) => [prefix, this.uris[k]] as const)
  }
}

export const noNamespaces = new Namespaces()

/** LIMIT: scopes remembered; most streams declare the same two names and share one scope. */
const rememberedMax = 64
const remembered = new Map<string, Namespaces>()

/** The scope of these declarations; the same object where the same were asked for before. */
export function sharedNamespaces(bindings: readonly (readonly [prefix: string, uri: string])[]): Namespaces {
  const key = JSON.stringify(bindings)
  const known = remembered.get(key)
  if (known !== undefined) return known
  const fresh = new Namespaces(bindings)
  if (remembered.size < rememberedMax && key.length < 1024) remembered.set(key, fresh)
  return fresh
}
