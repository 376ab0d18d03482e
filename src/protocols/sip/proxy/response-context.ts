// The response context of a request that we forwarded, RFC 3261 §16.7 to §16.10: its branches, and which of their answers go back.

import { headerValuesNamed, parseMessage } from '../codec/message.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'
import { type SetTimer, TimerQueues } from '../transaction/timer-queues.ts'
import { asForwarded, bestOf } from './best-response.ts'
import { Branch, type BranchUser } from './branch.ts'

/** Milliseconds that a branch may take to answer its CANCEL: 64*T1 (RFC 3261 §9.1). */
const cancelPatience = 32_000

/** RFC 5626 §7: "a final response [...] other than a 408 or a 430" is the phone's own word; 503 here is a flow that failed. */
const failuresOfWays: ReadonlySet<number> = new Set([408, 430, 503])

export class ResponseContext implements BranchUser {
  readonly #context: SipContext
  readonly #incoming: Incoming
  readonly #branches: Branch[] = []
  readonly #isInvite: boolean
  readonly #onOver: () => void
  #timer: SetTimer | undefined
  #giveUpAt: number
  #cancelling = false
  /** Phones that are less preferred, a group each: they are tried once those before them have not taken it (§16.6). */
  readonly #later: (() => void)[] = []
  #patience: SetTimer | undefined
  #over = false
  /** A script has to say what comes next (RFC 3880 §6.1). */
  #isHeld = false
  /** All branches are known: before that, one that fails at once is not yet the last. */
  #started = false

  constructor(context: SipContext, incoming: Incoming, onOver: () => void) {
    this.#context = context
    this.#incoming = incoming
    this.#isInvite = incoming.request.method === 'INVITE'
    this.#onOver = onOver
    const { ringSecondsMax } = context.settings
    this.#giveUpAt = context.service.clock.monotonic() + 3 * ringSecondsMax * 1000
    if (this.#isInvite) this.#waitForAnswers()
    // RFC 3261 §16.10: the upstream side gives up.
    incoming.onCancel(() => this.#cancelAll())
  }

  branch(): Branch {
    const branch = new Branch(this.#context.layer, this)
    this.#branches.push(branch)
    return branch
  }

  /** A group of branches for later, when there is none under way. Has to be called before `started`. */
  later(begin: () => void): void {
    this.#later.push(begin)
  }

  /** Nothing is answered but success, until it is released or concluded: a script may have something else to try. */
  hold(): void {
    this.#isHeld = true
    this.#started = true
  }

  /** It is answered, or whoever asked has given up: nothing further is tried. */
  get isStopped(): boolean {
    return this.#over || this.#cancelling
  }

  /** Its answer was followed, and is none any more. */
  forget(branch: Branch): void {
    this.#branches.splice(this.#branches.indexOf(branch), 1)
  }

  /** The best of all answers goes back. */
  release(): void {
    this.#isHeld = false
    this.#settle()
  }

  /** The script's own words go back. */
  conclude(answer: () => void): void {
    this.#isHeld = false
    if (!this.#over) answer()
    this.#over = true
    this.#cancelAll()
    this.#settle()
  }

  /** There are no more branches now. */
  started(): void {
    this.#started = true
    this.#waitForGroup()
    this.#settle()
  }

  /** RFC 3261 §16.6: "targets are processed from highest qvalue to lowest". Those who still ring are cancelled. */
  #tryNext(): void {
    const begin = this.#later.shift()
    if (begin === undefined || this.#over || this.#cancelling) return
    for (const branch of this.#branches) branch.giveUp(cancelPatience)
    this.#started = false
    begin()
    this.started()
  }

  /** How long a group may ring while there is another. */
  #waitForGroup(): void {
    if (this.#patience !== undefined) TimerQueues.cancel(this.#patience)
    this.#patience = undefined
    if (this.#later.length === 0) return
    const { layer, settings } = this.#context
    const owner = { fired: () => this.#tryNext() }
    this.#patience = layer.timers.arm(owner, 'answer', settings.forkSeconds * 1000)
  }

  onProvisional(status: number, octets: Buffer): void {
    if (this.#over || status === 100) return
    // RFC 3261 §16.7 step 2: "reset timer C", but nobody rings for ever (LIMIT: three times as long in all).
    if (this.#isInvite && !this.#cancelling) this.#waitForAnswers()
    // RFC 4320 §4.1: what is not INVITE gets no provisional response but 100.
    if (this.#isInvite) this.#incoming.answerWith(status, octets)
  }

  onFinal(branch: Branch): void {
    const { otherwise } = branch
    if (otherwise !== undefined && isOfTheWay(branch) && !this.#cancelling) {
      this.#branches.splice(this.#branches.indexOf(branch), 1)
      branch.isReplaced = true
      otherwise()
      return branch.onOver?.()
    }
    if (branch.status < 300 && branch.octets !== undefined) {
      // Step 5: "any 2xx response to an INVITE request" is forwarded at once; of other requests, one final response.
      if (!this.#over || this.#isInvite) this.#incoming.answerWith(branch.status, branch.octets)
      this.#over = true
      this.#cancelAll()
    } else if (branch.status >= 600 && this.#isHeld) for (const other of this.#branches) other.cancel()
    else if (branch.status >= 600) this.#cancelAll()
    this.#settle()
    branch.onOver?.()
  }

  onAgain(octets: Buffer, status: number): void {
    this.#incoming.answerWith(status, octets)
  }

  /** Timer C (RFC 3261 §16.8): who rings is cancelled; who does not answer that either is as good as silent. */
  fired(): void {
    this.#timer = undefined
    if (this.#cancelling) for (const branch of this.#branches) branch.end(this.#over ? 487 : 408)
    else this.#cancelAll()
  }

  #waitForAnswers(): void {
    const { layer, service, settings } = this.#context
    const left = this.#giveUpAt - service.clock.monotonic()
    if (left <= 0) return this.#cancelAll()
    // Queues are for few delays: this one, and the short rest before the end.
    const after = left < settings.ringSecondsMax * 1000 ? cancelPatience : settings.ringSecondsMax * 1000
    this.#arm(layer.timers.arm(this, 'answer', after))
  }

  #cancelAll(): void {
    if (this.#cancelling) return
    this.#cancelling = true
    for (const branch of this.#branches) branch.cancel()
    if (!this.#isDone()) this.#arm(this.#context.layer.timers.arm(this, 'answer', cancelPatience))
  }

  #arm(timer: SetTimer): void {
    if (this.#timer !== undefined) TimerQueues.cancel(this.#timer)
    this.#timer = timer
  }

  #isDone(): boolean {
    return this.#branches.every(({ isOver }) => isOver)
  }

  /** When the last branch is over, the best of their answers goes back, if none went yet. */
  #settle(): void {
    if (!this.#started || this.#isHeld || !this.#isDone()) return
    if (this.#later.length > 0 && !this.#over && !this.#cancelling) return this.#tryNext()
    if (this.#patience !== undefined) TimerQueues.cancel(this.#patience)
    if (this.#timer !== undefined) TimerQueues.cancel(this.#timer)
    this.#timer = undefined
    if (!this.#over) this.#answerBest()
    this.#over = true
    this.#onOver()
  }

  #answerBest(): void {
    const statuses = this.#branches.map(({ status }) => status)
    const best = this.#branches[bestOf(statuses)]
    if (best === undefined) return this.#incoming.answer(480)
    const status = asForwarded(best.status)
    // RFC 4320 §4.2: a 408 to what is not INVITE comes too late to be of use; the sender's own timer has said it.
    if (status === 408 && !this.#isInvite) return this.#incoming.giveUp()
    if (best.octets === undefined || status !== best.status) return this.#incoming.answer(status)
    if (status !== 401 && status !== 407) return this.#incoming.answerWith(status, best.octets)
    this.#incoming.answerWith(status, withChallenges(best.octets, this.#challengesBeside(best)))
  }

  /** Step 7: "collect any WWW-Authenticate and Proxy-Authenticate header field values from all other 401 and 407 responses". */
  #challengesBeside(best: Branch): string[] {
    return this.#branches
      .filter((one) => one !== best && (one.status === 401 || one.status === 407))
      .flatMap(({ octets }) => {
        const response = octets === undefined ? undefined : parseMessage(octets)
        if (response?.kind !== 'response') return []
        return ['WWW-Authenticate', 'Proxy-Authenticate'].flatMap((name) =>
          headerValuesNamed(response, name).map((value) => `${name}: ${value}\r\n`),
        )
      })
  }
}

/** It failed for its way alone, and another may be tried. */
function isOfTheWay({ status, octets, isToServer }: Branch): boolean {
  if (isToServer && octets !== undefined) return status === 503
  return failuresOfWays.has(status)
}

/** Lines put before the end of the header fields. */
function withChallenges(octets: Buffer, lines: readonly string[]): Buffer {
  if (lines.length === 0) return octets
  const end = octets.indexOf('\r\n\r\n') + 2
  return Buffer.concat([octets.subarray(0, end), Buffer.from(lines.join(''), 'latin1'), octets.subarray(end)])
}
