// What is in progress for an originator (RFC 3343 §4.2, §4.3): a subscribe or a watch, until it is terminated or its time is over.

import type { EndpointName } from '../codec/index.ts'

export interface Operation {
  readonly kind: 'subscribe' | 'watch'
  readonly originator: EndpointName
  readonly transId: number
  /** The key of whom it is about. */
  readonly subject: string
  /** Ends it without a word. */
  end(): void
  /** Its originator is attached again. */
  catchUp(): void
}

/** All that are in progress, by originator. */
export class Operations {
  readonly #all = new Map<string, Operation[]>()

  of({ written }: EndpointName): readonly Operation[] {
    return this.#all.get(written) ?? []
  }

  find(originator: EndpointName, transId: number): Operation | undefined {
    return this.of(originator).find((operation) => operation.transId === transId)
  }

  about(originator: EndpointName, kind: Operation['kind'], subject: string): Operation | undefined {
    return this.of(originator).find((operation) => operation.kind === kind && operation.subject === subject)
  }

  add(operation: Operation): void {
    const { written } = operation.originator
    const mine = this.#all.get(written)
    if (mine === undefined) this.#all.set(written, [operation])
    else mine.push(operation)
  }

  delete(operation: Operation): void {
    const { written } = operation.originator
    const left = this.of(operation.originator).filter((each) => each !== operation)
    if (left.length > 0) this.#all.set(written, left)
    else this.#all.delete(written)
  }
}
