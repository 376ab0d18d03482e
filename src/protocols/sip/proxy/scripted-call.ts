// A request that scripts decide about (RFC 3880 §6 with SIP): the step of the proxy between the access rules and the phones. One response context for
// all that they try; the scripts of people to whom others' scripts send it on are asked too, each once.

import {
  type Account,
  type Asked,
  type Decision,
  diversionsMax,
  mayReach,
  type Proxying,
  redirection,
  rejection,
  type Scripted,
  type ScriptRun,
} from '#core'
import {
  type Address,
  addressOfUri,
  type Outcome,
  type ProxyResult,
  type Refused,
  type ScriptLocation,
  sipUri,
} from '#model'
import { addressOfSipUri } from '../binding.ts'
import { factsOf } from '../binding-script.ts'
import { parseSipUri } from '../codec/uri.ts'
import type { SipContext } from '../context.ts'
import { statusOfRefusal } from '../errors.ts'
import type { Incoming } from '../incoming.ts'
import { refuse } from '../refusal.ts'
import type { RegisteredContact } from '../registered-contact.ts'
import { bestOf } from './best-response.ts'
import type { BranchSource } from './branch.ts'
import type { ResponseContext } from './response-context.ts'
import { nothing, type Result, Step } from './scripted-step.ts'

/** LIMIT: places that redirections add to one request. */
const redirectionsMax = 5

/** What the proxy does for it. */
export interface Roads {
  /** The phones of an account that access lets the request through to, the preferred ones first; else why there is none. */
  reachable(account: Account, agent: string): RegisteredContact[] | Outcome
  ring(branches: BranchSource, contact: RegisteredContact, among: number): void
  /** To another domain, by a URI there. */
  leave(branches: BranchSource, to: Address, uri: string, onRefused: (refusal: Refused) => void): void
}

export interface ScriptedParts {
  readonly context: SipContext
  readonly incoming: Incoming
  readonly from: Address
  readonly roads: Roads
  /** Made when something is to be sent. */
  readonly respond: () => ResponseContext | undefined
}

function betterOf(one: Result | undefined, other: Result): Result {
  return one !== undefined && bestOf([one.status, other.status]) === 0 ? one : other
}

export class ScriptedCall {
  readonly parts: ScriptedParts
  #responses: ResponseContext | undefined
  #redirections = 0

  constructor(parts: ScriptedParts) {
    this.parts = parts
  }

  /** Asks a script; false where the request is treated as without one. */
  begin(account: Account, side: Asked['side']): boolean {
    const scripted = this.ask(account, side, [], account.address)
    if (scripted === undefined) return false
    const { decision } = scripted
    const { incoming } = this.parts
    // Nothing was sent yet: its own words are the answer.
    if (decision.kind === 'reject' || decision.kind === 'redirect') refuse(incoming, refusalOf(decision))
    else this.#follow(account, side, scripted)
    return true
  }

  #follow(account: Account, side: Asked['side'], { run, decision }: Scripted): void {
    const responses = this.parts.respond()
    if (responses === undefined) return
    this.#responses = responses
    responses.hold()
    const flow = new ScriptFlow(this, account, side, [], run, () => responses.release())
    flow.onOwnWords = (refusal) => responses.conclude(() => refuse(this.parts.incoming, refusal))
    flow.decided(decision)
  }

  get responses(): ResponseContext {
    return this.#responses as ResponseContext
  }

  mayFollow(): boolean {
    return this.#redirections++ < redirectionsMax
  }

  /** @param to whom it is for now, where it was sent on */
  ask(
    account: Account,
    side: Asked['side'],
    divertedFrom: readonly Address[],
    to: Address,
  ): Scripted | undefined {
    const { context, incoming, from } = this.parts
    // Nothing stands between a person's own devices, and a script is asked once about a request.
    if (side === 'incoming' && (from.key === account.address.key || isAmong(account, divertedFrom)))
      return undefined
    const { service, registrar } = context
    const head = divertedFrom.length === 0 ? { to } : { to, divertedFrom }
    return service.scripts.ask(account, {
      kind: incoming.request.method === 'INVITE' ? 'call' : 'request',
      side,
      facts: factsOf(incoming.request, head),
      canProxy: (uri) => divertedFrom.length < diversionsMax && this.#canReach(uri),
      registrations: () =>
        registrar.contactsOf(account).map(({ id, facts }) => ({
          uri: facts.uri,
          priority: facts.q,
          device: { protocol: 'sip', id },
        })),
    })
  }

  /** We are a way to other domains for our own people alone. */
  #canReach(uri: string): boolean {
    const { context, from } = this.parts
    const to = addressOfPlace(uri)
    if (to === undefined || to.user === '') return false
    const { router } = context.service
    return router.isLocal(to.domain) || (router.isLocal(from.domain) && context.domains !== undefined)
  }
}

/** One script on its way through its `proxy` nodes. */
class ScriptFlow {
  readonly #call: ScriptedCall
  readonly #account: Account
  readonly #side: Asked['side']
  readonly #divertedFrom: readonly Address[]
  readonly #run: ScriptRun
  readonly #onEnd: (result: Result) => void
  /** Of the `proxy` that is under way, and of all until now. */
  #best: Result | undefined
  #bestOfAll: Result | undefined
  #step: Step | undefined
  /** Where a refusal in its own words goes; absent where another's script takes the result. */
  onOwnWords: ((refusal: Refused) => void) | undefined

  constructor(
    call: ScriptedCall,
    account: Account,
    side: Asked['side'],
    divertedFrom: readonly Address[],
    run: ScriptRun,
    onEnd: (result: Result) => void,
  ) {
    this.#call = call
    this.#account = account
    this.#side = side
    this.#divertedFrom = divertedFrom
    this.#run = run
    this.#onEnd = onEnd
  }

  decided(decision: Decision): void {
    this.#best = undefined
    if (decision.kind === 'proxy') return this.#try(decision.proxy, groupsOf(decision.proxy))
    if (decision.kind !== 'reject' && decision.kind !== 'redirect') return this.#end()
    const refusal = refusalOf(decision)
    if (this.onOwnWords !== undefined) return this.onOwnWords(refusal)
    // What another's script has said is an answer among those of all branches.
    const status = statusOfRefusal(refusal)
    this.#call.responses.branch().end(status)
    this.#onEnd({ status, locations: refusal.locations ?? [] })
  }

  #try(proxy: Proxying, groups: readonly (readonly ScriptLocation[])[]): void {
    const [group, ...later] = groups
    if (group === undefined) return this.#failed(proxy)
    const { service } = this.#call.parts.context
    const step = new Step(this.#call.responses, service.clock, this.#secondsOf(proxy), (result) => {
      if (this.#call.responses.isStopped) return this.#end()
      if (result === 'silence') return this.decided(this.#run.proxied('noanswer'))
      const added = proxy.recurse ? result.locations.filter(() => this.#call.mayFollow()) : []
      if (added.length > 0) {
        // RFC 3261 §16.7 step 4: what is followed is no answer any more.
        if (result.branch !== undefined) this.#call.responses.forget(result.branch)
        return this.#try(proxy, [...added.map((one) => [one]), ...later])
      }
      this.#best = betterOf(this.#best, result)
      this.#bestOfAll = betterOf(this.#bestOfAll, result)
      this.#try(proxy, later)
    })
    this.#step = step
    for (const location of group) this.#send(step, location)
    step.begun()
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#step?.abandon()
  }

  #end(): void {
    this.#onEnd(this.#bestOfAll ?? nothing)
  }

  /** LIMIT: no longer than a call may ring at all. */
  #secondsOf({ timeout }: Proxying): number | undefined {
    const { ringSecondsMax } = this.#call.parts.context.settings
    return timeout === undefined ? undefined : Math.min(timeout, ringSecondsMax - 1)
  }

  #failed({ recurse }: Proxying): void {
    const { status, locations } = this.#best ?? nothing
    const found = resultOf(status)
    this.decided(this.#run.proxied(found === 'redirection' && recurse ? 'failure' : found, locations))
  }

  #send(step: Step, { uri, device }: ScriptLocation): void {
    const { context, roads } = this.#call.parts
    const contacts = context.registrar.contactsOf(this.#account)
    const contact = device === undefined ? undefined : contacts.find(({ id }) => id === device.id)
    if (contact !== undefined) return this.#ring(step, this.#account, contact.id)
    const to = addressOfPlace(uri)
    const parsed = parseSipUri(uri)
    const aim = parsed === undefined ? undefined : context.registrar.gruus.aimOf(parsed, uri)
    if (to === undefined) return step.answered({ status: 404, locations: [] })
    const { service } = context
    if (!service.router.isLocal(to.domain)) {
      const target = parsed === undefined ? sipUri(to) : uri
      return roads.leave(step, to, target, (refusal) =>
        step.answered({ status: statusOfRefusal(refusal), locations: [] }),
      )
    }
    step.waits()
    service.directory.find(aim?.to ?? to, (found) => {
      if (typeof found !== 'string') return this.#sendTo(step, found, aim?.agent ?? '')
      step.answered({ status: found === 'unknown' ? 404 : 500, locations: [] })
      step.arrived()
    })
  }

  /** A person here: their own script is asked, unless it has been. */
  #sendTo(step: Step, account: Account, agent: string): void {
    const isOwn = this.#side === 'incoming' && account === this.#account
    const before =
      this.#side === 'incoming' ? [...this.#divertedFrom, this.#account.address] : this.#divertedFrom
    // Access comes before the script: who may not reach them learns that alone.
    const isAsked = !isOwn && mayReach(account, this.#call.parts.from)
    const scripted = isAsked ? this.#call.ask(account, 'incoming', before, account.address) : undefined
    if (scripted === undefined) {
      this.#ring(step, account, agent)
      return step.arrived()
    }
    const { run, decision } = scripted
    const flow = new ScriptFlow(this.#call, account, 'incoming', before, run, (result) =>
      step.arrived(result),
    )
    step.follows(flow)
    flow.decided(decision)
  }

  #ring(step: Step, account: Account, agent: string): void {
    const { roads } = this.#call.parts
    const reached = roads.reachable(account, agent)
    if (Array.isArray(reached)) for (const contact of reached) roads.ring(step, contact, reached.length)
    else {
      const refusal: Refused =
        reached.kind === 'refused' ? reached : { kind: 'refused', condition: 'temporarily-unavailable' }
      const told = refusal.location === undefined ? [] : [{ uri: refusal.location, priority: 1 }]
      step.answered({ status: statusOfRefusal(refusal), locations: told })
    }
  }
}

function groupsOf({ locations, ordering }: Proxying): readonly (readonly ScriptLocation[])[] {
  return ordering === 'parallel' ? [locations] : locations.map((one) => [one])
}

/** §6.1.1: "busy: A 486 or 600 response was the best response". */
function resultOf(status: number): ProxyResult {
  if (status === 486 || status === 600) return 'busy'
  if (status >= 300 && status < 400) return 'redirection'
  return status === 408 ? 'noanswer' : 'failure'
}

function refusalOf(decision: Extract<Decision, { kind: 'reject' | 'redirect' }>): Refused {
  return decision.kind === 'reject'
    ? rejection(decision.status, decision.reason)
    : redirection(decision.locations, decision.permanent)
}

function isAmong({ record }: Account, divertedFrom: readonly Address[]): boolean {
  return [record.address, ...record.aliases].some(({ key }) => divertedFrom.some((one) => one.key === key))
}

/** SIP goes to SIP URIs, and to people however they are written. */
function addressOfPlace(uri: string): Address | undefined {
  return /^sips?:/i.test(uri) ? addressOfSipUri(uri) : addressOfUri(uri)
}
