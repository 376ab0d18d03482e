// A script read: its actions and their nodes, RFC 3880 §3 to §9. The first fault ends it.

import type {
  LookupResult,
  Next,
  ProxyResult,
  RejectStatus,
  ScriptAction,
  ScriptNode,
  TimeZone,
} from '#model'
import type { Element } from '#wire/xml'
import type { Source } from './source.ts'
import { isSwitch, SwitchReader } from './switches.ts'

export interface Actions {
  readonly incoming: ScriptAction | undefined
  readonly outgoing: ScriptAction | undefined
}

/** What comes first in a document (§9, §8, §3). */
const order = ['ancillary', 'subaction', 'incoming', 'outgoing'] as const

export class ScriptReader {
  readonly #source: Source
  readonly #switches: SwitchReader
  /** Those that are whole: a `sub` leads to no other (§8), so that nothing ever leads back. */
  readonly #subactions = new Map<string, Next>()

  /** @param zone of clocks where a script names none */
  constructor(source: Source, zone: TimeZone) {
    this.#source = source
    this.#switches = new SwitchReader(source, zone, (element) => this.#next(element))
  }

  /** @throws Refused */
  actions(): Actions {
    const { root } = this.#source
    if (root.name !== 'cpl')
      throw this.#source.refusal(root, `a script begins with <cpl>, not <${root.name}>`)
    this.#source.attributes(root, [])
    const actions: { incoming?: ScriptAction; outgoing?: ScriptAction } = {}
    let isPastSubactions = false
    let isFirst = true
    for (const element of root.elements()) {
      const name = order.find((one) => one === element.name)
      if (name === undefined) throw this.#source.refusal(element, `<cpl> holds no <${element.name}>`)
      if (name === 'ancillary') {
        if (!isFirst) throw this.#source.refusal(element, '<ancillary> stands first, and once')
        this.#empty(element)
      } else if (name === 'subaction') {
        if (isPastSubactions)
          throw this.#source.refusal(element, '<subaction> stands before <incoming> and <outgoing>')
        this.#subaction(element)
      } else {
        isPastSubactions = true
        if (actions[name] !== undefined) throw this.#source.refusal(element, `a second <${name}>`)
        this.#source.attributes(element, [])
        actions[name] = { first: this.#next(element) }
      }
      isFirst = false
    }
    return { incoming: actions.incoming, outgoing: actions.outgoing }
  }

  #subaction(element: Element): void {
    const { id = '' } = this.#source.attributes(element, ['id'])
    if (id === '') throw this.#source.refusal(element, '"id" is empty')
    if (this.#subactions.has(id)) throw this.#source.refusal(element, `a second subaction "${id}"`)
    const first = this.#next(element)
    this.#subactions.set(id, first)
  }

  /** The node that an output, or a node without outputs, holds: one or none. */
  #next(parent: Element): Next {
    const [only, second] = parent.elements()
    if (only === undefined) return undefined
    if (second !== undefined) throw this.#source.refusal(second, `<${parent.name}> holds one node, not two`)
    return only.name === 'sub' ? this.#sub(only) : this.#node(only)
  }

  #sub(element: Element): Next {
    const { ref = '' } = this.#source.attributes(element, ['ref'])
    this.#empty(element)
    if (!this.#subactions.has(ref))
      throw this.#source.refusal(element, `no subaction "${ref}" is defined before this`)
    return this.#subactions.get(ref)
  }

  #node(element: Element): ScriptNode {
    if (isSwitch(element.name)) return this.#switches.read(element)
    switch (element.name) {
      case 'location':
        return this.#location(element)
      case 'lookup':
        return this.#lookup(element)
      case 'remove-location': {
        const { location } = this.#source.attributes(element, [], ['location'])
        return { kind: 'remove-location', location, next: this.#next(element) }
      }
      case 'proxy':
        return this.#proxy(element)
      case 'redirect': {
        const { permanent } = this.#source.attributes(element, [], ['permanent'])
        this.#empty(element)
        return { kind: 'redirect', permanent: this.#source.yes(element, 'permanent', permanent, 'no') }
      }
      case 'reject':
        return this.#reject(element)
      case 'mail': {
        const { url = '' } = this.#source.attributes(element, ['url'])
        if (!/^mailto:/i.test(url)) throw this.#source.refusal(element, '"url" of <mail> is a mailto: URL')
        return { kind: 'mail', url, next: this.#next(element) }
      }
      case 'log': {
        const { name = '', comment = '' } = this.#source.attributes(element, [], ['name', 'comment'])
        return { kind: 'log', name, comment, next: this.#next(element) }
      }
      default:
        throw this.#source.refusal(element, `<${element.name}> is no node of a script`)
    }
  }

  #location(element: Element): ScriptNode {
    const { url = '', priority, clear } = this.#source.attributes(element, ['url'], ['priority', 'clear'])
    // Absolute, and nothing that would end a header field or a line of a log.
    if (!/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(url) || /["<>\\^`{|}]/.test(url))
      throw this.#source.refusal(element, `"url" is no URL: "${url}"`)
    const isCleared = this.#source.yes(element, 'clear', clear, 'no')
    const value = this.#priority(element, priority)
    return { kind: 'location', url, priority: value, clear: isCleared, next: this.#next(element) }
  }

  #priority(element: Element, written: string | undefined): number {
    if (written === undefined) return 1
    const value = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(written) ? Number(written) : -1
    if (value < 0 || value > 1)
      throw this.#source.refusal(element, `"priority" is a number from 0.0 to 1.0, not "${written}"`)
    return value
  }

  #lookup(element: Element): ScriptNode {
    const { source = '', timeout, clear } = this.#source.attributes(element, ['source'], ['timeout', 'clear'])
    // "CPL servers MAY refuse to allow URI-based sources" (§5.2): nobody's server is asked in the name of ours.
    if (source !== 'registration')
      throw this.#source.refusal(
        element,
        `the only "source" of <lookup> here is "registration", not "${source}"`,
      )
    // Registrations are at hand, so that no time passes.
    if (timeout !== undefined) this.#source.positive(element, 'timeout', timeout)
    const isCleared = this.#source.yes(element, 'clear', clear, 'no')
    const names: readonly LookupResult[] = ['success', 'notfound', 'failure']
    return { kind: 'lookup', clear: isCleared, outputs: this.#outputs(element, names) }
  }

  #proxy(element: Element): ScriptNode {
    const { timeout, recurse, ordering } = this.#source.attributes(
      element,
      [],
      ['timeout', 'recurse', 'ordering'],
    )
    const names: readonly (ProxyResult | 'default')[] = [
      'busy',
      'noanswer',
      'redirection',
      'failure',
      'default',
    ]
    const outputs = this.#outputs(element, names)
    const waits = outputs.has('noanswer') || outputs.has('default')
    const seconds =
      timeout !== undefined ? this.#source.positive(element, 'timeout', timeout) : waits ? 20 : undefined
    // We choose (decision 0148): who has an output for redirections and does not say "recurse" wants it taken, as §12.3 does.
    const isRecursive = outputs.has('redirection') ? 'no' : 'yes'
    return {
      kind: 'proxy',
      timeout: seconds,
      recurse: this.#source.yes(element, 'recurse', recurse, isRecursive),
      ordering: this.#source.word(
        element,
        'ordering',
        ordering,
        ['parallel', 'sequential', 'first-only'],
        'parallel',
      ),
      outputs,
    }
  }

  #reject(element: Element): ScriptNode {
    const { status = '', reason = '' } = this.#source.attributes(element, ['status'], ['reason'])
    this.#empty(element)
    return { kind: 'reject', status: this.#status(element, status), reason }
  }

  #status(element: Element, written: string): RejectStatus {
    const number = /^[456][0-9]{2}$/.test(written) ? Number(written) : undefined
    // A challenge without a challenge is no answer that SIP knows (RFC 3261 §22.1).
    if (number !== undefined && number !== 401 && number !== 407) return number
    const word = (['busy', 'notfound', 'reject', 'error'] as const).find((one) => one === written)
    if (word !== undefined) return word
    const words = '"busy", "notfound", "reject", "error" or a SIP status from 400 to 699, but 401 and 407'
    throw this.#source.refusal(element, `"status" is ${words}, not "${written}"`)
  }

  #outputs<Name extends string>(element: Element, names: readonly Name[]): ReadonlyMap<Name, Next> {
    const outputs = new Map<Name, Next>()
    for (const child of element.elements()) {
      const name = names.find((one) => one === child.name)
      if (name === undefined)
        throw this.#source.refusal(child, `<${element.name}> has no output <${child.name}>`)
      if (outputs.has(name)) throw this.#source.refusal(child, `a second output <${name}>`)
      this.#source.attributes(child, [])
      outputs.set(name, this.#next(child))
    }
    return outputs
  }

  #empty(element: Element): void {
    const [child] = element.elements()
    if (child !== undefined) throw this.#source.refusal(child, `<${element.name}> holds no <${child.name}>`)
    if (element.name === 'ancillary') this.#source.attributes(element, [])
  }
}
