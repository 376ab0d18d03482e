// Stanzas that come again when a session is resumed (XEP-0198 §5): they came before, and what becomes of them was not durable when we told how
// far we were. They are being handled, and pass; a client that does not send them again is not mistaken for one that does.
import type { Handled } from './handled.ts'

export class Repeats {
  /** Ids of what came since all was handled last, in order; '' where a stanza has none. */
  #ids: string[] = []
  /** Of those, what is to come again. */
  #expected: string[] = []

  /** A stanza came. Hot path. */
  took(id: string | undefined, handled: Handled): void {
    if (handled.isSettled) {
      if (this.#ids.length > 0) this.#ids = []
      return
    }
    this.#ids.push(id ?? '')
    const open = openOf(handled)
    if (this.#ids.length > 2 * open + 64) this.#ids = this.#ids.slice(-open)
  }

  /** The session goes on: its client is told `handled.count`, and sends the rest again. */
  expect(handled: Handled): void {
    const open = openOf(handled)
    this.#expected = open === 0 ? [] : this.#ids.slice(-open)
  }

  /** True for one that came before. */
  isAgain(id: string | undefined): boolean {
    if (this.#expected.length === 0) return false
    if (this.#expected[0] === (id ?? '')) {
      this.#expected.shift()
      return true
    }
    this.#expected = []
    return false
  }
}

const openOf = ({ received, count }: Handled): number => (received - count) >>> 0
