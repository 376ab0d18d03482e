// What all load generators share: pairs of users, a window of messages in flight for each, a measured stretch of time, and one
// line of JSON at the end. Generators look for the end of a message in the octets and parse nothing.
import { readFileSync } from 'node:fs'

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly domain: string
  readonly password: string
  /** Users `u1`..`uN`: the odd ones send to the even ones. */
  readonly pairs: number
  /** Messages in flight, a pair. */
  readonly window: number
  readonly warmSeconds: number
  readonly seconds: number
  /** The server's process; its CPU time is read at the edges of the measured time. */
  readonly pid: number | undefined
  /** Where the other end is, for loads over two protocols or two servers. */
  readonly otherPort: number
  /** Of the receivers, where they have another. */
  readonly otherDomain: string | undefined
  /** Their server's process. */
  readonly otherPid: number | undefined
}

export interface LoadResult {
  readonly messages: number
  readonly seconds: number
  readonly messagesPerSecond: number
  /** Of the server, user and system. */
  readonly cpuMicrosecondsPerMessage: number
  /** Of the receivers' server, where it is another. */
  readonly otherCpuMicrosecondsPerMessage: number
  readonly generatorCpuPercent: number
  readonly errors: number
}

/** Reads `--name value` words. */
export function loadOptions(words: readonly string[]): LoadOptions {
  const given = (name: string): string | undefined => {
    const at = words.indexOf(`--${name}`)
    return at < 0 ? undefined : words[at + 1]
  }
  const pidOf = (name: string): number | undefined => {
    const pid = given(name)
    return pid === undefined ? undefined : Number(pid)
  }
  return {
    host: given('host') ?? '127.0.0.1',
    port: Number(given('port')),
    domain: given('domain') ?? 'localhost',
    password: given('password') ?? 'pw',
    pairs: Number(given('pairs') ?? 100),
    window: Number(given('window') ?? 1),
    warmSeconds: Number(given('warm') ?? 3),
    seconds: Number(given('seconds') ?? 5),
    pid: pidOf('pid'),
    otherPid: pidOf('other-pid'),
    otherDomain: given('other-domain'),
    otherPort: Number(given('other-port') ?? 0),
  }
}

const ticksPerSecond = 100

/** User and system CPU seconds of a process with all its threads (proc(5), fields 14 and 15). */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident octets of a process. */
export function residentOctetsOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1]) * 1024
}

/** Counts what arrives; warms up, measures, prints. `start` sets the messages going, `stop` keeps new ones from being sent. */
export class Meter {
  readonly #options: LoadOptions
  messages = 0
  errors = 0
  /** False once nothing new is to be sent. */
  running = true

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async measure(): Promise<LoadResult> {
    const { warmSeconds, seconds } = this.#options
    await wait(warmSeconds)
    const before = this.#look()
    await wait(seconds)
    const after = this.#look()
    this.running = false
    const messages = after.messages - before.messages
    const elapsed = (after.at - before.at) / 1000
    return {
      messages,
      seconds: elapsed,
      messagesPerSecond: messages / elapsed,
      cpuMicrosecondsPerMessage: ((after.server - before.server) * 1e6) / messages,
      otherCpuMicrosecondsPerMessage: ((after.other - before.other) * 1e6) / messages,
      generatorCpuPercent: ((after.own - before.own) / elapsed) * 100,
      errors: this.errors,
    }
  }

  #look() {
    const { pid, otherPid } = this.#options
    const { user, system } = process.cpuUsage()
    return {
      at: performance.now(),
      messages: this.messages,
      server: pid === undefined ? 0 : cpuSecondsOf(pid),
      other: otherPid === undefined ? 0 : cpuSecondsOf(otherPid),
      own: (user + system) / 1e6,
    }
  }
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

/** How often `mark` ends in the octets that came, over chunk borders. */
export class MarkCounter {
  readonly #mark: Buffer
  #tail: Buffer = Buffer.alloc(0)

  constructor(mark: string) {
    this.#mark = Buffer.from(mark)
  }

  count(chunk: Buffer): number {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    let found = 0
    let from = 0
    for (let at = bytes.indexOf(this.#mark); at >= 0; at = bytes.indexOf(this.#mark, from)) {
      found++
      from = at + this.#mark.length
    }
    const keep = Math.min(bytes.length - from, this.#mark.length - 1)
    this.#tail = Buffer.from(bytes.subarray(bytes.length - keep))
    return found
  }
}

/** Waits until `done` is true, looking at every turn of what `next` resolves. */
export function finish(result: LoadResult): never {
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(result.messages > 0 ? 0 : 1)
}
