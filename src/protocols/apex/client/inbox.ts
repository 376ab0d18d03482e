// What data says to a person (RFC 3340 §4.1): a message, taken, or left to the person's other devices and to the relay.

import type { Address, InstantMessage } from '#model'
import { contentOfPart, foreignPersonOf, partOf, wordsOf } from '../codec/index.ts'
import type { OnData } from './conversation.ts'

/** @param onMessage undefined: nothing is taken (450), and the relay keeps it */
export function inboxOf(to: Address, onMessage: ((message: InstantMessage) => void) | undefined): OnData {
  return ({ originator, content: named }, payload) => {
    if (onMessage === undefined) return 450
    const from = foreignPersonOf(originator.identity)
    if (from === undefined) return 553
    const part = partOf(payload, named)
    const content = part && contentOfPart(part)
    const { body, subject, isText } = wordsOf(part, content)
    // The octets are a loan.
    const kept = content && { ...content, bytes: content.bytes.slice() }
    onMessage({
      from,
      to,
      id: '',
      thread: '',
      kind: 'chat',
      subject,
      body,
      ...(kept !== undefined && !isText && { content: kept }),
    })
    return undefined
  }
}
