// People who are reached by another protocol, in domains whose relays may die.

import assert from 'node:assert/strict'
import type { InboxAgent } from '#core'
import type { Outcome } from '#model'
import type { Domains } from './domains.ts'
import { at, otherDevice } from './fixture.ts'
import { otherMessage } from './other-message.ts'

/** A device of theirs, which is there until its relay dies. */
export function device(all: Domains, owner: string, took: InboxAgent['deliver']): Promise<void> {
  const { service } = all.of(domainOf(owner))
  return new Promise((resolve) =>
    service.messages.attach(otherDevice(at(owner), took), (account) => {
      assert.ok(!('kind' in account))
      service.messages.ready(account)
      resolve()
    }),
  )
}

export function send(all: Domains, from: string, to: string, id: string): Promise<Outcome> {
  const { messages } = all.of(domainOf(from)).service
  return new Promise((resolve) => messages.send(otherMessage(from, to, id), resolve))
}

export function domainOf(address: string): string {
  return address.split('@')[1] as string
}
