// A running server with one protocol beside IMPP, and its people at their terminals.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfiguration, openControl, type RunningServer, startServer } from '#server'
import { logInByApex } from '../apex-person.ts'
import type { OtherProtocol } from '../commands/command.ts'
import { logInByImpp } from '../impp-person.ts'
import type { LoginOptions } from '../person.ts'
import { logInByPrim } from '../prim-person.ts'
import { run } from '../run.ts'
import { ScriptedTerminal } from './scripted-terminal.ts'

type Script = ConstructorParameters<typeof ScriptedTerminal>[0]

export interface Called {
  readonly code: number
  readonly terminal: ScriptedTerminal
}

export class House {
  readonly directory: string
  readonly #protocol: OtherProtocol
  readonly #settings: string
  readonly #file: string
  #server: RunningServer | undefined

  constructor(protocol: OtherProtocol, settings: string) {
    this.directory = mkdtempSync(join(tmpdir(), `verona-${protocol}-`))
    this.#protocol = protocol
    this.#settings = settings
    this.#file = join(this.directory, 'verona.toml')
  }

  /** With accounts at localhost that let everybody see them; their password is `secret`. */
  async open(...names: string[]): Promise<void> {
    const { directory } = this
    writeFileSync(this.#file, `${this.#settings}[impp]\nclient = "127.0.0.1:0"\n[log]\nlevel = "silent"\n`)
    const configuration = await loadConfiguration({ file: this.#file, directory, environment: {} })
    this.#server = await startServer(configuration)
    for (const name of names) {
      const words = ['user', 'add', `${name}@localhost`, '--password-stdin']
      const added = await this.verona(words, { input: 'secret' })
      assert.equal(added.code, 0, added.terminal.complained)
      assert.equal((await this.verona(['contact', `${name}@localhost`, 'allow', '*'])).code, 0)
    }
  }

  get server(): RunningServer {
    assert.ok(this.#server)
    return this.#server
  }

  async close(): Promise<void> {
    await this.#server?.stop()
    rmSync(this.directory, { recursive: true })
  }

  whereOf(setting: string): string {
    const where = this.server.listeners.find((listener) => listener.setting === setting)?.where
    assert.ok(where, setting)
    return where.replace('/tcp', '')
  }

  verona(words: string[], script: Script = {}): Promise<Called> {
    const terminal = new ScriptedTerminal({ directory: this.directory, ...script })
    return this.#call(terminal, [...words, '--config', this.#file])
  }

  /** A command as a person; `shown` resolves once the output holds a word. */
  asPerson(
    name: string,
    where: string,
    [command = '', ...rest]: string[],
  ): Promise<Called> & { shown(word: string): Promise<unknown> } {
    const terminal = new ScriptedTerminal({
      directory: this.directory,
      environment: { VERONA_PASSWORD: 'secret' },
    })
    const login = ['--protocol', this.#protocol, '--as', `${name}@localhost`, '--server', where]
    const result = this.#call(terminal, [command, ...login, '--config', this.#file, ...rest])
    return Object.assign(result, { shown: (word: string) => terminal.until(word) })
  }

  async #call(terminal: ScriptedTerminal, words: string[]): Promise<Called> {
    const { directory } = this
    const context = {
      terminal,
      openControl: async (file: string | undefined) =>
        openControl(await loadConfiguration({ file, directory, environment: {} })),
      logIn: (options: LoginOptions) => logInByImpp(terminal, options),
      logInBy: {
        prim: (options: LoginOptions) => logInByPrim(terminal, options),
        apex: (options: LoginOptions) => logInByApex(terminal, options),
      },
    }
    return { code: await run(words, context, '0'), terminal }
  }
}
