// What the report service has to say to applications that are not attached (RFC 3340 §6.2): it waits for them, also over a restart.

import { text, utf8 } from '#base'
import type { Account } from '#core'
import type { Attachment } from '../attachment.ts'
import { type EndpointName, entityOf, personOf, xmlPayload } from '../codec/index.ts'
import type { Relay } from '../relay.ts'

/** Of the account, in the store. */
const documentName = 'apex-reports'

/** LIMIT: reports that wait for one account; past it the oldest are forgotten. */
const reportsMax = 200

interface Kept {
  /** The endpoint, as it is written. */
  readonly to: string
  /** The data element. */
  readonly document: string
}

export class KeptReports {
  readonly #relay: Relay
  /** Accounts whose document is being read or written, each with what comes next. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** `onKept` is called once: it is on the disk, or can't be kept. */
  keep(to: EndpointName, document: string, onKept: () => void): void {
    const person = personOf(to)
    if (person === undefined) return onKept()
    this.#relay.service.directory.find(person, (found) => {
      if (typeof found === 'string') return onKept()
      this.#change(found, (kept) => [...kept, { to: to.written, document }].slice(-reportsMax), onKept)
    })
  }

  /** What another relay reports. `onTold` is called once: its application has it, or the disk. One that takes long may hear it twice. */
  tell(to: EndpointName, document: string, onTold: () => void): void {
    const attachment = this.#relay.endpoints.find(to)
    const keep = (): void => this.keep(to, document, onTold)
    if (attachment === undefined) return keep()
    const { service, settings } = this.#relay
    const late = service.leases.grant(settings.okSeconds, keep)
    attachment.send(entityOf(xmlPayload(document)), ({ kind }) => {
      if (!late.active) return
      late.cancel()
      if (kind === 'declined') keep()
      else onTold()
    })
  }

  /** It hears what waits for it; what it does not take waits on. */
  attached(attachment: Attachment): void {
    const { account, endpoint } = attachment
    this.#change(account, async (kept) => {
      const left: Kept[] = []
      for (const each of kept) {
        if (each.to !== endpoint.written || !(await given(attachment, each.document))) left.push(each)
      }
      return left
    })
  }

  /** One after the other: each reads what the one before has written. */
  #change(
    account: Account,
    change: (kept: readonly Kept[]) => readonly Kept[] | Promise<readonly Kept[]>,
    onChanged: () => void = () => {},
  ): void {
    const { store, log } = this.#relay.service
    const { key } = account.address
    const before = this.#turns.get(key) ?? Promise.resolve()
    const turn = before
      .then(async () => {
        const written = await store.document(account.address, documentName)
        const kept = written === undefined ? [] : (JSON.parse(text(written)) as Kept[])
        const changed = await change(kept)
        if (changed.length === kept.length && changed.every((each, at) => each === kept[at])) return
        const value = changed.length === 0 ? undefined : utf8(JSON.stringify(changed))
        await store.putDocument(account.address, documentName, value)
      })
      .catch((error: unknown) => log.error('reports for an absent application could not be kept', { error }))
      .finally(() => {
        if (this.#turns.get(key) === turn) this.#turns.delete(key)
        onChanged()
      })
    this.#turns.set(key, turn)
  }
}

/** True where the application has taken it. */
function given(attachment: Attachment, document: string): Promise<boolean> {
  return new Promise((resolve) => {
    attachment.send(entityOf(xmlPayload(document)), ({ kind }) => resolve(kind === 'accepted'))
  })
}
