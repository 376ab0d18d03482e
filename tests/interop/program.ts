// A program that runs beside the test: what it says is kept, its words are waited for, and it does not outlive the test.
import { type ChildProcess, spawn } from 'node:child_process'

/** LIMIT: milliseconds to wait for something that must come; machines that run tests are busy. */
export const patienceMs = 30_000

export interface ProgramOptions {
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
}

interface Wait {
  readonly check: () => boolean
  readonly give: (why: string) => void
}

/** What terminals are told: colours, places of the cursor, titles, character sets. */
const escapes = /\u001b(?:\[[0-9;?]*[@-~]|\][^\u0007]*\u0007|[()][0-9A-B]|[=>78])/g
const escapeBegun = /\u001b(?:\[[0-9;?]*|\][^\u0007]{0,200}|[()])?$/

const running = new Set<Program>()

export class Program {
  readonly name: string
  /** Resolves with the exit code, or the signal's name, when the process is gone and all it said has been read. */
  readonly ended: Promise<number | string>
  readonly #child: ChildProcess
  #said = ''
  #pending = ''
  /** What the test's thread of events has looked at. */
  #heard = 0
  #end: number | string | undefined
  #waits: Wait[] = []

  constructor(name: string, path: string, args: readonly string[], options: ProgramOptions = {}) {
    this.name = name
    const child = spawn(path, args, {
      cwd: options.directory,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.environment },
      // A group of its own, so that what it starts ends with it.
      detached: true,
    })
    this.#child = child
    running.add(this)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => this.#hear(text))
    }
    child.stdin.on('error', () => {})
    this.ended = new Promise((resolve) => {
      const done = (how: number | string): void => {
        if (this.#end !== undefined) return
        this.#end = how
        running.delete(this)
        this.#look()
        for (const wait of this.#waits.splice(0)) wait.give(`it ended (${how})`)
        resolve(how)
      }
      child.on('error', (error) => {
        this.#said += `could not be started: ${error.message}\n`
        done(127)
      })
      child.on('close', (code, signal) => done(signal ?? code ?? 0))
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Everything it said, both outputs together, without escape sequences. */
  get said(): string {
    return this.#said
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  closeInput(): void {
    this.#child.stdin?.end()
  }

  /** The first match in what was not heard yet; what stands before it counts as heard. Rejects when it does not come. */
  until(pattern: RegExp, ms = patienceMs): Promise<RegExpExecArray> {
    return this.#wait(pattern, ms, () => {
      const match = pattern.exec(this.#said.slice(this.#heard))
      if (match !== null) this.#heard += match.index + match[0].length
      return match
    })
  }

  /** The first match in all it ever said, whatever the order. */
  sees(pattern: RegExp, ms = patienceMs): Promise<RegExpExecArray> {
    return this.#wait(pattern, ms, () => pattern.exec(this.#said))
  }

  /** The next thing it says, or rejects. */
  async more(ms = patienceMs): Promise<void> {
    const before = this.#said.length
    await this.#wait(/more/, ms, () => (this.#said.length > before ? /^/.exec('') : null))
  }

  /** Its end, which must be exit code 0. */
  async succeeds(): Promise<string> {
    const how = await this.#within(this.ended, 'its end')
    if (how !== 0) throw new Error(`${this.name} ended with ${how}`)
    return this.#said
  }

  async ends(): Promise<number | string> {
    return this.#within(this.ended, 'its end')
  }

  /** SIGKILL to it and all it started. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #hear(text: string): void {
    const whole = this.#pending + text
    // An escape sequence may be cut by the end of a chunk.
    const cut = escapeBegun.exec(whole)?.index ?? whole.length
    this.#pending = whole.slice(cut)
    this.#said += whole.slice(0, cut).replace(escapes, '')
    this.#look()
  }

  #look(): void {
    for (const wait of [...this.#waits]) {
      if (wait.check()) this.#waits.splice(this.#waits.indexOf(wait), 1)
    }
  }

  #wait(pattern: RegExp, ms: number, look: () => RegExpExecArray | null): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const found = look()
      if (found !== null) return resolve(found)
      const give = (why: string): void => {
        clearTimeout(late)
        reject(new Error(`${this.name} did not say ${pattern}: ${why}`))
      }
      const wait: Wait = {
        check: () => {
          const match = look()
          if (match === null) return false
          clearTimeout(late)
          resolve(match)
          return true
        },
        give,
      }
      const late = setTimeout(() => {
        this.#waits.splice(this.#waits.indexOf(wait), 1)
        give(`${ms / 1000} seconds have passed`)
      }, ms)
      if (this.#end !== undefined) return give(`it has ended (${this.#end})`)
      this.#waits.push(wait)
    })
  }

  #within<T>(event: Promise<T>, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.name}: ${what} did not come in ${patienceMs / 1000} seconds`)),
        patienceMs,
      )
      event.then((value) => {
        clearTimeout(late)
        resolve(value)
      }, reject)
    })
  }
}

/** However this process ends (but SIGKILL), what it started ends with it. */
function endAll(): void {
  for (const program of running) program.signal('SIGKILL')
}
process.on('exit', endAll)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll()
    process.exit(1)
  })
}
