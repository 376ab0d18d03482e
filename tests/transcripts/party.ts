// One who takes part in a transcript: a client of one protocol over a real socket, driven by the script's words.
import type { Variables } from './pattern.ts'

/** Where the server of the test listens, by setting: `xmpp.client` -> host and port. */
export type Places = ReadonlyMap<string, { readonly host: string; readonly port: number }>

export interface PartyContext {
  /** The party's own name. */
  readonly name: string
  /** The body that each party sent last by `sends octets`, by the party's name. */
  readonly octets: Map<string, Buffer>
  readonly places: Places
  readonly variables: Variables
  readonly passwordOf: (address: string) => string
}

export interface Party {
  /** Carries out `what` with the lines below it. Rejects with what differs when something else happened than it says. */
  act(what: string, block: string): Promise<void>
  /** Ends without a word. */
  abandon(): void
}

export type PartyMaker = (name: string, words: readonly string[], context: PartyContext) => Party

/** What `sends octets` means by a body: its lines end with CR LF, and `\\xNN` is the octet NN. */
export function octetsOf(body: string): Buffer {
  const parts = body.replaceAll('\n', '\r\n').split(/\\x([0-9a-fA-F]{2})/)
  return Buffer.concat(parts.map((part, at) => (at % 2 === 0 ? Buffer.from(part) : Buffer.from(part, 'hex'))))
}

/** What `receives the octets of NAME` compares. */
export function octetsDiffer(
  context: PartyContext,
  of: string,
  actual: Buffer | undefined,
): string | undefined {
  const expected = context.octets.get(of)
  if (expected === undefined) return `${of} sent no octets`
  if (actual === undefined) return 'there are no octets'
  return expected.equals(actual)
    ? undefined
    : `the octets are\n${actual.toString('latin1')}\nnot\n${expected.toString('latin1')}`
}

/** LIMIT: real milliseconds to wait for something that must come. */
export const patience = 5000

/** What came and was not looked at yet; `next` waits. */
export class Arrivals<T> {
  readonly #arrived: T[] = []
  readonly #waiting: ((item: T) => void)[] = []

  push(item: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#arrived.push(item)
    else waiting(item)
  }

  /** What was taken and is to be looked at again, before what came since. */
  putBack(items: readonly T[]): void {
    this.#arrived.unshift(...items)
  }

  /** The oldest; rejects when nothing comes in time. */
  next(what: string): Promise<T> {
    const item = this.#arrived.shift()
    if (item !== undefined) return Promise.resolve(item)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(got), 1)
        reject(new Error(`nothing came; expected ${what}`))
      }, patience)
      const got = (arrived: T): void => {
        clearTimeout(late)
        resolve(arrived)
      }
      this.#waiting.push(got)
    })
  }

  get waiting(): readonly T[] {
    return this.#arrived
  }
}
