// The switches of a script, RFC 3880 §4: what is looked at, and the outputs in their order.

import { type AddressSubfield, type Next, type Output, priorities, type Switch, type TimeZone } from '#model'
import type { Element } from '#wire/xml'
import type { Source } from './source.ts'
import { TimeReader } from './times.ts'

const switches = [
  'address-switch',
  'string-switch',
  'language-switch',
  'time-switch',
  'priority-switch',
] as const

export function isSwitch(name: string): boolean {
  return switches.some((one) => one === name)
}

const subfields: readonly AddressSubfield[] = [
  'address-type',
  'user',
  'host',
  'port',
  'tel',
  'display',
  'password',
  // Of H.323 (App. B.1): no address here has one.
  'alias-type',
]

/** Which ways of matching a subfield has beside `is` (§4.1). */
const furtherTests: Partial<Record<AddressSubfield | 'entire', 'contains' | 'subdomain-of'>> = {
  display: 'contains',
  host: 'subdomain-of',
  tel: 'subdomain-of',
  // §4.1.1: "for "contains" matches, the URI is used verbatim".
  entire: 'contains',
}

export class SwitchReader {
  readonly #source: Source
  readonly #times: TimeReader
  readonly #next: (element: Element) => Next

  constructor(source: Source, zone: TimeZone, next: (element: Element) => Next) {
    this.#source = source
    this.#times = new TimeReader(source, zone)
    this.#next = next
  }

  /** @throws Refused */
  read(element: Element): Switch {
    switch (element.name) {
      case 'address-switch':
        return this.#address(element)
      case 'string-switch':
        return this.#string(element)
      case 'language-switch':
        this.#source.attributes(element, [])
        return {
          kind: 'language-switch',
          outputs: this.#outputs(element, 'language', (one) => this.#tag(one)),
        }
      case 'time-switch': {
        const read = this.#times.of(element)
        return { kind: 'time-switch', outputs: this.#outputs(element, 'time', read) }
      }
      default:
        this.#source.attributes(element, [])
        return {
          kind: 'priority-switch',
          outputs: this.#outputs(element, 'priority', (one) => this.#priority(one)),
        }
    }
  }

  #address(element: Element): Switch {
    const { field, subfield } = this.#source.attributes(element, ['field'], ['subfield'])
    const fields = ['origin', 'destination', 'original-destination'] as const
    const known =
      subfield === undefined ? undefined : this.#source.word(element, 'subfield', subfield, subfields, 'user')
    const further = furtherTests[known ?? 'entire']
    return {
      kind: 'address-switch',
      field: this.#source.word(element, 'field', field, fields, 'origin'),
      subfield: known,
      outputs: this.#outputs(element, 'address', (one) => this.#text(one, further)),
    }
  }

  #string(element: Element): Switch {
    const { field } = this.#source.attributes(element, ['field'])
    const fields = ['subject', 'organization', 'user-agent', 'display'] as const
    return {
      kind: 'string-switch',
      field: this.#source.word(element, 'field', field, fields, 'subject'),
      outputs: this.#outputs(element, 'string', (one) => this.#text(one, 'contains')),
    }
  }

  #text(element: Element, further: 'contains' | 'subdomain-of' | undefined) {
    const given = this.#source.attributes(element, [], ['is', 'contains', 'subdomain-of'])
    const [test, ...more] = Object.entries(given)
    if (test === undefined || more.length > 0)
      throw this.#source.refusal(element, `<${element.name}> has one of "is", "contains" and "subdomain-of"`)
    const how = test[0] as 'is' | 'contains' | 'subdomain-of'
    if (how !== 'is' && how !== further)
      throw this.#source.refusal(element, `"${how}" is not for what this switch looks at`)
    return { how, value: test[1] }
  }

  #tag(element: Element) {
    const { matches = '' } = this.#source.attributes(element, ['matches'])
    if (!/^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/.test(matches))
      throw this.#source.refusal(element, `"${matches}" is no language tag`)
    return { tag: matches.toLowerCase() }
  }

  #priority(element: Element) {
    const given = this.#source.attributes(element, [], ['less', 'greater', 'equal'])
    const [test, ...more] = Object.entries(given)
    if (test === undefined || more.length > 0)
      throw this.#source.refusal(element, '<priority> has one of "less", "greater" and "equal"')
    const how = test[0] as 'less' | 'greater' | 'equal'
    const value = test[1].toLowerCase()
    // What is not known "is compared literally for "equal" comparisons", and has no place in an order.
    if (how !== 'equal' && !priorities.some((one) => one === value))
      throw this.#source.refusal(element, `"${test[1]}" is none of ${priorities.join(', ')}`)
    return { how, value }
  }

  #outputs<Test>(element: Element, name: string, test: (element: Element) => Test): Output<Test>[] {
    const outputs: Output<Test>[] = []
    for (const child of element.elements()) {
      if (outputs.at(-1)?.when === 'otherwise')
        throw this.#source.refusal(child, `nothing follows <otherwise>, which is the last output`)
      outputs.push({ when: this.#when(element, child, name, test, outputs), next: this.#next(child) })
    }
    return outputs
  }

  #when<Test>(
    element: Element,
    child: Element,
    name: string,
    test: (element: Element) => Test,
    before: readonly Output<Test>[],
  ): Test | 'not-present' | 'otherwise' {
    if (child.name === name) return test(child)
    if (child.name !== 'not-present' && child.name !== 'otherwise')
      throw this.#source.refusal(child, `<${element.name}> has no output <${child.name}>`)
    this.#source.attributes(child, [])
    if (child.name === 'not-present' && before.some(({ when }) => when === 'not-present'))
      throw this.#source.refusal(child, 'a second output <not-present>')
    return child.name
  }
}
