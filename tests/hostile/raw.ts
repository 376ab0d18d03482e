// A TCP client that writes whatever it is told and remembers what comes: nothing of the product's codecs.
import { connect, type Socket } from 'node:net'
import { patience, type Stand } from './stand.ts'

export class Raw {
  readonly socket: Socket
  /** What came and was not taken yet, one character an octet. */
  text = ''
  closed = false
  /** Why it broke, as the system calls it; empty when it did not. */
  fault = ''
  #look: (() => void) | undefined

  /** @param from the address that it comes from, where that matters */
  constructor(stand: Stand, setting: string, host = '127.0.0.1', from?: string) {
    this.socket = connect({
      port: stand.port(setting),
      host,
      ...(from !== undefined && { localAddress: from }),
      noDelay: true,
    })
    const over = stand.atEnd(() => this.socket.destroy())
    this.socket.on('data', (octets: Buffer) => this.hear(octets))
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.fault = error.code ?? error.message
    })
    this.socket.on('close', () => {
      this.closed = true
      over()
      this.#look?.()
    })
    this.socket.on('end', () => this.socket.end())
  }

  send(octets: string | Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(octets)
  }

  protected hear(octets: Buffer): void {
    this.text += octets.toString('latin1')
    this.#look?.()
  }

  /** One octet a segment, as far as the system lets us. */
  async sendOneByOne(text: string): Promise<void> {
    for (const octet of Buffer.from(text)) {
      this.socket.write(Uint8Array.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Takes everything up to the end of what `pattern` matches, and gives the match. */
  expect(pattern: RegExp, what = String(pattern)): Promise<RegExpExecArray> {
    return this.#wait(what, () => {
      const match = pattern.exec(this.text)
      if (match !== null) this.text = this.text.slice(match.index + match[0].length)
      return match ?? undefined
    })
  }

  /** Takes what `pattern` matches alone: what came before it stays. */
  pluck(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#wait(String(pattern), () => {
      const match = pattern.exec(this.text)
      if (match !== null)
        this.text = this.text.slice(0, match.index) + this.text.slice(match.index + match[0].length)
      return match ?? undefined
    })
  }

  /** Resolves when it is connected; rejects when that failed. */
  begun(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.socket.connecting && !this.socket.destroyed) return resolve()
      this.socket.once('connect', resolve)
      const failed = (): void => reject(new Error(`no connection: ${this.fault}`))
      if (this.socket.destroyed) failed()
      else this.socket.once('close', failed)
    })
  }

  /** Waits until the server has closed. */
  ended(what = 'the end of the connection'): Promise<true> {
    return this.#wait(what, () => this.closed || undefined)
  }

  destroy(): void {
    this.socket.destroy()
  }

  #wait<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(late)
        this.#look = undefined
        settle()
      }
      const failed = (why: string): void =>
        end(() => reject(new Error(`${why}; expected ${what}; there is: ${this.text.slice(0, 2000)}`)))
      const late = setTimeout(() => failed('nothing came'), patience)
      const step = (): void => {
        const found = look()
        if (found !== undefined) end(() => resolve(found))
        else if (this.closed) failed(`the connection ended ${this.fault}`)
      }
      this.#look = step
      step()
    })
  }
}
