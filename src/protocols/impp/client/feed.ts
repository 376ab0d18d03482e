// Between events and those who iterate over them: a source that is asked when something may be there, and its end.

export class Feed<T> {
  readonly #pull: () => T | undefined
  #wake = Promise.withResolvers<void>()
  #end: { readonly error: Error | undefined } | undefined

  /** @param pull the next one, or undefined when there is none now */
  constructor(pull: () => T | undefined) {
    this.#pull = pull
  }

  /** Something may be there. */
  wake(): void {
    const { resolve } = this.#wake
    this.#wake = Promise.withResolvers()
    resolve()
  }

  /** Whoever iterates ends when nothing is left; with an error, it is thrown there. */
  end(error?: Error): void {
    this.#end ??= { error }
    this.wake()
  }

  /** Ends in order when `signal` aborts. Several may iterate: each gets what the others did not. */
  async *iterate(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    const abort = (): void => this.wake()
    signal?.addEventListener('abort', abort)
    try {
      while (signal?.aborted !== true) {
        const next = this.#pull()
        if (next !== undefined) yield next
        else if (this.#end === undefined) await this.#wake.promise
        else if (this.#end.error === undefined) return
        else throw this.#end.error
      }
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}
