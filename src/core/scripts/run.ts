// One request on its way through a script, RFC 3880 §2.2: from node to node until something is to be done that takes time, or for good. It does
// nothing itself but remember the locations (§2.3): what is to be done is answered, and what became of it is told.

import type {
  Next,
  Ordering,
  ProxyNode,
  ProxyResult,
  RejectStatus,
  RequestFacts,
  ScriptAction,
  ScriptLocation,
} from '#model'
import { isSameParty } from './addresses.ts'
import { choose } from './switches.ts'

/** What is to be done now. */
export type Decision =
  /** What would be done without a script (§10). */
  | { readonly kind: 'default' }
  | { readonly kind: 'proxy'; readonly proxy: Proxying }
  | { readonly kind: 'redirect'; readonly locations: readonly ScriptLocation[]; readonly permanent: boolean }
  | { readonly kind: 'reject'; readonly status: RejectStatus; readonly reason: string }
  /** The best of all answers until now is the answer (§10, proxy operation previously taken). */
  | { readonly kind: 'best' }

export interface Proxying {
  /** At least one, the preferred first. */
  readonly locations: readonly ScriptLocation[]
  /** Seconds; undefined: as long as the server lets it. */
  readonly timeout: number | undefined
  /** Whether a redirection is followed instead of told. */
  readonly recurse: boolean
  readonly ordering: Ordering
  /** Whether the script has something else to do after that result. */
  continuesAfter(result: ProxyResult): boolean
}

/** What a node tells somebody, while the request goes on. */
export type ScriptNote =
  | { readonly kind: 'log'; readonly name: string; readonly comment: string }
  | { readonly kind: 'mail'; readonly url: string }

export interface RunParts {
  readonly facts: RequestFacts
  /** Milliseconds since 1970. */
  readonly now: number
  /** §2.3: none for what comes in, the destination for what goes out. */
  readonly locations: readonly ScriptLocation[]
  /** The owner's registrations. */
  readonly registrations: () => readonly ScriptLocation[]
  /** Whether a request can be sent on to such a place. */
  readonly canProxy: (uri: string) => boolean
  readonly note: (note: ScriptNote) => void
}

export class ScriptRun {
  readonly #parts: RunParts
  #locations: readonly ScriptLocation[]
  /** Whether the locations are no longer those of the beginning, and whether anything was sent on. */
  #isModified = false
  #isProxied = false
  #proxy: ProxyNode | undefined

  constructor(parts: RunParts) {
    this.#parts = parts
    this.#locations = parts.locations
  }

  begin(action: ScriptAction): Decision {
    return this.#follow(action.first)
  }

  /** What became of a `proxy` that failed; `added`: where a redirection led. */
  proxied(result: ProxyResult, added: readonly ScriptLocation[] = []): Decision {
    const node = this.#proxy as ProxyNode
    this.#isProxied = true
    // §6.1: "all locations which have been used are cleared from the location set".
    const isUsed = new Set(this.#targetsOf(node.ordering))
    this.#locations = this.#locations.filter((one) => !isUsed.has(one))
    if (result === 'redirection') for (const location of added) this.#add(location)
    return this.#after(node, result)
  }

  #after({ outputs }: ProxyNode, result: ProxyResult): Decision {
    const output = outputs.has(result) ? result : 'default'
    return outputs.has(output) ? this.#follow(outputs.get(output)) : this.#end()
  }

  /** As long as the script is: a node leads only to those that stand behind it. */
  #follow(first: Next): Decision {
    for (let node = first; node !== undefined; ) {
      switch (node.kind) {
        case 'location':
          this.#isModified = true
          if (node.clear) this.#locations = []
          this.#add({ uri: node.url, priority: node.priority })
          node = node.next
          break
        case 'remove-location': {
          const { location } = node
          this.#isModified = true
          this.#locations =
            location === undefined ? [] : this.#locations.filter(({ uri }) => !isSameParty(uri, location))
          node = node.next
          break
        }
        case 'lookup': {
          const found = this.#parts.registrations()
          // One that found nothing has changed nothing: the owner is reached as without a script.
          if (found.length > 0 || (node.clear && this.#locations.length > 0)) this.#isModified = true
          if (node.clear) this.#locations = []
          for (const location of found) this.#add(location)
          const output = found.length > 0 ? 'success' : 'notfound'
          // §5.2: "If a given output is not present, script execution terminates and the default behavior is performed."
          node = node.outputs.get(output)
          break
        }
        case 'log':
          this.#parts.note({ kind: 'log', name: node.name, comment: node.comment })
          node = node.next
          break
        case 'mail':
          this.#parts.note({ kind: 'mail', url: node.url })
          node = node.next
          break
        case 'proxy':
          return this.#send(node)
        case 'redirect':
          // Nowhere is no place to be told.
          if (this.#locations.length === 0) return { kind: 'reject', status: 'notfound', reason: '' }
          return { kind: 'redirect', locations: this.#preferred(), permanent: node.permanent }
        case 'reject':
          return { kind: 'reject', status: node.status, reason: node.reason }
        default:
          node = choose(node, this.#parts.facts, this.#parts.now).next
      }
    }
    return this.#end()
  }

  /** §10: nothing more is said. */
  #end(): Decision {
    if (this.#isProxied) return { kind: 'best' }
    if (!this.#isModified) return { kind: 'default' }
    if (this.#locations.length === 0) return { kind: 'reject', status: 'notfound', reason: '' }
    return this.#send(plainProxy)
  }

  #send(node: ProxyNode): Decision {
    this.#proxy = node
    const locations = this.#targetsOf(node.ordering)
    // §6.1: "the only locations in the set were locations to which the server cannot proxy a call".
    if (locations.length === 0) {
      if (node === plainProxy) return { kind: 'redirect', locations: this.#preferred(), permanent: false }
      this.#isProxied = true
      return this.#after(node, 'failure')
    }
    const { timeout, recurse, ordering, outputs } = node
    const continuesAfter = (result: ProxyResult): boolean => outputs.has(result) || outputs.has('default')
    return { kind: 'proxy', proxy: { locations, timeout, recurse, ordering, continuesAfter } }
  }

  #targetsOf(ordering: Ordering): readonly ScriptLocation[] {
    const able = this.#preferred().filter(
      ({ uri, device }) => device !== undefined || this.#parts.canProxy(uri),
    )
    return ordering === 'first-only' ? able.slice(0, 1) : able
  }

  #preferred(): readonly ScriptLocation[] {
    return [...this.#locations].sort((a, b) => b.priority - a.priority)
  }

  /** A set: what is in it already has its newer priority. */
  #add(location: ScriptLocation): void {
    const others = this.#locations.filter(
      ({ uri, device }) => uri !== location.uri || device?.id !== location.device?.id,
    )
    this.#locations = [...others, location]
  }
}

/** §10: "Proxy or redirect the call, whichever is the server's standard policy": ours is to proxy. */
const plainProxy: ProxyNode = {
  kind: 'proxy',
  timeout: undefined,
  recurse: true,
  ordering: 'parallel',
  outputs: new Map(),
}
