// The way to one listener of a server: TCP passed on as it comes, until the road breaks or is closed.
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Road {
  /** False: who comes is turned away. */
  isOpen = true
  /** True: who comes is taken in, and hears nothing. */
  isSilent = false
  readonly #to: () => { readonly host: string; readonly port: number } | undefined
  readonly #server: Server
  readonly #travellers = new Set<Socket>()

  /** @param to where it leads now; undefined while nobody is there */
  constructor(to: () => { readonly host: string; readonly port: number } | undefined) {
    this.#to = to
    this.#server = createServer((socket) => this.#travel(socket))
  }

  /** Resolves with the port at which it begins. */
  start(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  }

  /** Every connection breaks, now. */
  break(): void {
    for (const socket of this.#travellers) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    this.isOpen = false
    this.break()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #travel(from: Socket): void {
    if (this.isSilent) {
      this.#travellers.add(from)
      from.on('error', () => {}).on('close', () => this.#travellers.delete(from))
      return void from.resume()
    }
    const place = this.isOpen ? this.#to() : undefined
    if (place === undefined) return void from.destroy()
    const to = connect(place)
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.setNoDelay(true)
      this.#travellers.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#travellers.delete(one)
        other.destroy()
      })
    }
    from.pipe(to)
    to.pipe(from)
  }
}
