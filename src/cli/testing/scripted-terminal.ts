// A terminal without a person: what is typed and piped is given before, what is written is kept.
import type { Terminal } from '../terminal.ts'

export interface Script {
  readonly environment?: Record<string, string>
  readonly directory?: string
  readonly input?: string
  /** Answers to prompts without echo; there being some makes it interactive. */
  readonly secrets?: string[]
  readonly interactive?: boolean
  readonly coloured?: boolean
}

export class ScriptedTerminal implements Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly interactive: boolean
  readonly coloured: boolean
  readonly columns = 80
  readonly prompts: string[] = []
  written = ''
  complained = ''
  #secrets: string[]
  readonly #input: string
  #interrupts: (() => void)[] = []
  readonly #waiting: { readonly word: string; readonly resolve: () => void }[] = []

  constructor(script: Script = {}) {
    this.environment = script.environment ?? {}
    this.directory = script.directory ?? process.cwd()
    this.#secrets = [...(script.secrets ?? [])]
    this.interactive = script.interactive ?? script.secrets !== undefined
    this.#input = script.input ?? ''
    this.coloured = script.coloured ?? false
  }

  out(text: string): void {
    this.written += text
    for (const { word, resolve } of this.#waiting) if (this.written.includes(word)) resolve()
  }

  /** Resolves once `word` was written. */
  until(word: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.written.includes(word)) resolve()
      else this.#waiting.push({ word, resolve })
    })
  }

  err(text: string): void {
    this.complained += text
  }

  async readAll(): Promise<string> {
    return this.#input
  }

  async readSecret(prompt: string): Promise<string> {
    this.prompts.push(prompt)
    return this.#secrets.shift() ?? ''
  }

  onInterrupt(stop: () => void): () => void {
    this.#interrupts.push(stop)
    return () => {
      this.#interrupts = this.#interrupts.filter((one) => one !== stop)
    }
  }

  /** Presses Ctrl-C; false when nobody listens. */
  interrupt(): boolean {
    for (const stop of this.#interrupts) stop()
    return this.#interrupts.length > 0
  }
}
