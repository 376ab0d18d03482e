// Which output of a switch is taken, RFC 3880 §4: "the output corresponding to the first node to match is taken". Pure.

import {
  type AddressSubfield,
  type Next,
  type Output,
  type PriorityTest,
  priorities,
  type RequestFacts,
  type Switch,
  type TextTest,
} from '#model'
import { addressParts, isSameParty, matchesSubfield, matchesText, subfieldOf } from './addresses.ts'

/** `taken` is false where no output matches: then the default behaviour is (§4). */
export interface Choice {
  readonly taken: boolean
  readonly next: Next
}

/** @param now milliseconds since 1970 */
export function choose(node: Switch, facts: RequestFacts, now: number): Choice {
  switch (node.kind) {
    case 'address-switch': {
      const address = facts.address(node.field)
      const { subfield } = node
      if (subfield === undefined) return chosen(node.outputs, address?.uri, matchesAddress)
      const value = address === undefined ? undefined : subfieldValue(address, subfield)
      return chosen(node.outputs, value, (found, test) => matchesSubfield(subfield, found, test))
    }
    case 'string-switch':
      return chosen(node.outputs, facts.text(node.field), matchesText)
    case 'language-switch':
      return chosen(node.outputs, facts.languages(), (ranges, { tag }) =>
        ranges.some((range) => matchesLanguage(range.toLowerCase(), tag)),
      )
    case 'time-switch':
      return chosen(node.outputs, Math.floor(now / 1000), (instant, period) => period.covers(instant))
    case 'priority-switch':
      return chosen(node.outputs, facts.priority() ?? 'normal', matchesPriority)
  }
}

function chosen<Value, Test>(
  outputs: readonly Output<Test>[],
  value: Value | undefined,
  matches: (value: Value, test: Test) => boolean,
): Choice {
  for (const { when, next } of outputs) {
    const isTaken =
      when === 'otherwise' ||
      (when === 'not-present' ? value === undefined : value !== undefined && matches(value, when as Test))
    if (isTaken) return { taken: true, next }
  }
  return { taken: false, next: undefined }
}

function subfieldValue(
  address: { uri: string; display?: string },
  subfield: AddressSubfield,
): string | undefined {
  if (subfield === 'display') return address.display
  const parts = addressParts(address.uri)
  return parts === undefined ? undefined : subfieldOf(parts, subfield)
}

function matchesAddress(uri: string, { how, value }: TextTest): boolean {
  return how === 'contains' ? uri.includes(value) : isSameParty(uri, value)
}

/** RFC 3066 §2.5: a range matches its own tag, and those that begin with it and a hyphen. `*` is ignored. */
function matchesLanguage(range: string, tag: string): boolean {
  return range !== '*' && (tag === range || tag.startsWith(`${range}-`))
}

/** §4.5: an unknown priority is normal in an order, "but it is compared literally for "equal" comparisons". */
function matchesPriority(priority: string, { how, value }: PriorityTest): boolean {
  const lower = priority.trim().toLowerCase()
  if (how === 'equal') return lower === value
  const difference = rankOf(lower) - rankOf(value)
  return how === 'less' ? difference < 0 : difference > 0
}

function rankOf(priority: string): number {
  const rank = (priorities as readonly string[]).indexOf(priority)
  return rank < 0 ? priorities.indexOf('normal') : rank
}
