// The mark by which a relay knows data that it has taken already (docs/specs/apex.md §5, decision 0136): an option of ours for the next relay
// alone. RFC 3340 has no word for data that is sent once more, because the answer to it was lost.

import { hash } from 'node:crypto'
import { randomBelow } from '#base'
import type { Head } from '#model'
import type { ApexOption } from '../codec/index.ts'

export const onceOption = 'urn:verona:apex:once'

const transIdMax = 2_147_483_647

/**
 * The option as it is written: unpredictable, so that no two of one originator to one recipient are the same while they are remembered. Of a message with
 * a mark of its own (decision 0146) always the same, after a restart of ours too.
 */
export function freshMark(head?: Head): string {
  const number = head?.mark === undefined ? randomBelow(transIdMax) : numberOf(head) % transIdMax
  return `<option external='${onceOption}' targetHop='this' transID='${1 + number}' />`
}

function numberOf({ from, to, mark }: Head): number {
  return hash('sha256', `${from.key}\n${to.key}\n${mark}`, 'buffer').readUInt32BE(0)
}

/** The mark among the options; undefined where there is none: then what comes again is taken again. */
export function markIn(options: readonly ApexOption[]): number | undefined {
  return options.find(isMark)?.transId
}

function isMark({ name, isRegistered, targetHop }: ApexOption): boolean {
  return !isRegistered && name === onceOption && targetHop === 'this'
}

/** For a copy of the data: it was for this relay, which no other needs to know of (§5). */
export function withoutMark(option: ApexOption): string | undefined {
  return isMark(option) ? '' : undefined
}
