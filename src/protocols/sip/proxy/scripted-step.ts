// What a script tries at one time (RFC 3880 §6.1): its branches, and what they have come to.

import type { Clock } from '#base'
import type { ScriptLocation } from '#model'
import { header } from '../codec/header-names.ts'
import { parseMessage } from '../codec/message.ts'
import { nameAddrsOf } from '../codec/name-addr.ts'
import { paramOf } from '../codec/params.ts'
import { bestOf } from './best-response.ts'
import type { Branch, BranchSource } from './branch.ts'
import type { ResponseContext } from './response-context.ts'

/** What one script, or one step of it, has come to. */
export interface Result {
  readonly status: number
  /** Where a redirection leads. */
  readonly locations: readonly ScriptLocation[]
  /** Whose answer it is. */
  readonly branch?: Branch
}

export const nothing: Result = { status: 480, locations: [] }

/** What is tried at one time, until all of it has failed or its time is over. */
export class Step implements BranchSource {
  readonly #responses: ResponseContext
  readonly #branches: Branch[] = []
  readonly #results: Result[] = []
  readonly #onOver: (result: Result | 'silence') => void
  readonly #timer: { cancel(): void } | undefined
  /** What may still add branches; the step itself, until it has begun. */
  #waiting = 1
  readonly #inner: { abandon(): void }[] = []
  #isOver = false

  constructor(
    responses: ResponseContext,
    clock: Clock,
    seconds: number | undefined,
    onOver: (result: Result | 'silence') => void,
  ) {
    this.#responses = responses
    this.#onOver = onOver
    this.#timer = seconds === undefined ? undefined : clock.schedule(seconds * 1000, () => this.#timeOut())
  }

  branch(): Branch {
    const branch = this.#responses.branch()
    branch.onOver = () => this.#settle()
    this.#branches.push(branch)
    return branch
  }

  /** Somebody is looked for. */
  waits(): void {
    this.#waiting++
  }

  /** They were found, or their own script has ended so. */
  arrived(result?: Result): void {
    if (result !== undefined) this.#results.push(result)
    this.#waiting--
    this.#settle()
  }

  /** There is no way to a place: that is an answer, too. */
  answered(result: Result): void {
    this.#results.push(result)
    this.#responses.branch().end(result.status)
  }

  begun(): void {
    this.arrived()
  }

  /** RFC 3880 §6.1: "the call attempt is terminated and the "noanswer" branch is taken". */
  #timeOut(): void {
    this.abandon()
    this.#onOver('silence')
  }

  /** Another's script is followed within it. */
  follows(flow: { abandon(): void }): void {
    this.#inner.push(flow)
  }

  /** What rings is cancelled, and nothing more is heard of it. */
  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    for (const branch of this.#branches) branch.giveUp(givenUpPatience)
    for (const flow of this.#inner) flow.abandon()
  }

  #settle(): void {
    if (this.#isOver || this.#waiting > 0 || !this.#branches.every(({ isOver }) => isOver)) return
    this.#isOver = true
    this.#timer?.cancel()
    const all = [...this.#results, ...this.#branches.filter(({ isReplaced }) => !isReplaced).map(resultIn)]
    this.#onOver(all[bestOf(all.map(({ status }) => status))] ?? nothing)
  }
}

/** Milliseconds for the answer to a CANCEL (RFC 3261 §9.1). */
const givenUpPatience = 32_000

function resultIn(branch: Branch): Result {
  const { status, octets } = branch
  const response = status >= 300 && status < 400 && octets !== undefined ? parseMessage(octets) : undefined
  if (response?.kind !== 'response') return { status, locations: [] }
  const contacts = nameAddrsOf(response, header.contact) ?? []
  const locations = contacts.map(({ uri, params }) => {
    const q = Number(paramOf(params, 'q') ?? 1)
    return { uri, priority: q >= 0 && q <= 1 ? q : 1 }
  })
  return { status, locations, branch }
}
