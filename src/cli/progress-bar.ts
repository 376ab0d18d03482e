// Progress on standard error: a bar for a person, a line at each tenth for a log.
import type { Terminal } from './terminal.ts'

export class ProgressBar {
  readonly #terminal: Terminal
  readonly #total: number
  readonly #now: () => number
  readonly #start: number
  #shown = ''
  #tenth = 0

  /** @param now milliseconds of any clock that goes on */
  constructor(terminal: Terminal, total: number, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#total = total
    this.#now = now
    this.#start = now()
  }

  show(done: number): void {
    const share = this.#total === 0 ? 1 : done / this.#total
    const seconds = (this.#now() - this.#start) / 1000
    const rate = seconds > 0 ? done / seconds : 0
    const left = rate > 0 ? `${Math.ceil((this.#total - done) / rate)} s left` : ''
    const facts = `${done} of ${this.#total}  ${Math.round(rate)}/s  ${left}`.trimEnd()
    if (this.#terminal.interactive) this.#draw(share, facts)
    else if (Math.floor(share * 10) > this.#tenth) {
      this.#tenth = Math.floor(share * 10)
      this.#terminal.err(`${facts}\n`)
    }
  }

  /** Takes the bar away, so that what follows begins on a clean line. */
  clear(): void {
    if (this.#shown !== '') this.#terminal.err(`\r${' '.repeat(this.#shown.length)}\r`)
    this.#shown = ''
  }

  #draw(share: number, facts: string): void {
    const width = Math.max(0, Math.min(40, this.#terminal.columns - facts.length - 6))
    const filled = Math.round(width * share)
    const line = `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${facts}`
    this.#terminal.err(`\r${line.padEnd(this.#shown.length)}`)
    this.#shown = line
  }
}
