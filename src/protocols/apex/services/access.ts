// The access service (RFC 3341 §4), a view of the owner's access rules: query, get, set. The steps of each are in the RFC's order.

import type { Account } from '#core'
import {
  actionsOfRule,
  defaultActions,
  grants,
  ownRule,
  ruleOfActions,
  saysTheSame,
  subjectOfActor,
} from '../binding-access.ts'
import {
  type AccessEntry,
  type EndpointName,
  endpointOf,
  isService,
  personOf,
  readEndpoint,
  readServiceMessage,
  readTimestamp,
  replyText,
  type ServiceMessage,
  setText,
  timestampText,
} from '../codec/index.ts'
import { codeOf } from '../errors.ts'
import type { ApexService, Relay, ServiceRequest } from '../relay.ts'

type Said<Kind extends ServiceMessage['kind']> = Extract<ServiceMessage, { readonly kind: Kind }>

/** LIMIT: entries whose last update is remembered; one that was forgotten has another (555: read it again). */
const stampsMax = 10_000

interface Stamp {
  readonly at: number
  readonly actions: string
}

export class AccessService implements ApexService {
  readonly #relay: Relay
  /** When an entry got the actions that it has. Rules carry no time, and other protocols change them too. */
  readonly #stamps = new Map<string, Stamp>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  take(request: ServiceRequest): void {
    const message = readServiceMessage(request.element)
    switch (message.kind) {
      case 'query':
        return this.#query(request, message)
      case 'get':
        return this.#get(request, message)
      case 'set':
        return this.#set(request, message)
      case 'fault':
        return this.#reply(request, message.transId, 501, message.text)
      default:
        return this.#reply(request, message.transId, 501, `the service is not told <${message.kind}>`)
    }
  }

  /** §4.2. */
  #query(request: ServiceRequest, { transId, owner, actor, actions }: Said<'query'>): void {
    this.#asOwner(request, transId, owner, (account) => {
      const endpoint = readEndpoint(actor)
      if (endpoint === undefined) return this.#reply(request, transId, 501, 'actor is no endpoint')
      const isGranted = grants(account, endpoint, actions, this.#relay.service.policy)
      this.#say(request, request.originator, `<${isGranted ? 'allow' : 'deny'} transID='${transId}' />`)
    })
  }

  /** §4.3: actors are "treated simply as literal names". */
  #get(request: ServiceRequest, { transId, owner, actor }: Said<'get'>): void {
    this.#asOwner(request, transId, owner, (account) => {
      const entry = this.#entryOf(account, owner, actor)
      if (entry === undefined) return this.#reply(request, transId, 551)
      this.#say(request, request.originator, setText(transId, entry))
    })
  }

  /** §4.4. */
  #set(request: ServiceRequest, { transId, entry }: Said<'set'>): void {
    const { owner, actor, actions, lastUpdate } = entry
    this.#asOwner(request, transId, owner, (account) => {
      // Its endpoint's entries are its own, and are not changed under its name.
      if (readEndpoint(owner)?.subaddress !== '')
        return this.#reply(request, transId, 554, 'a subaddress has the entries of its endpoint')
      const known = this.#entryOf(account, owner, actor)
      // Steps 5 and 7: what is there is replaced by who has read it.
      if (readTimestamp(known?.lastUpdate) !== readTimestamp(lastUpdate))
        return this.#reply(request, transId, 555, 'the entry is not the one that was read')
      const about = subjectOfActor(account, actor)
      if (about === 'malformed') return this.#reply(request, transId, 501, 'actor is no endpoint')
      if (about === 'not-expressible') return this.#confirmDefault(request, transId, account, entry, known)
      const { subject } = about
      if (actions === undefined) return this.#delete(request, transId, account, entry, subject)
      const rule = ruleOfActions(subject, actions)
      if (rule === undefined) return this.#reply(request, transId, 554, 'no rule grants just that')
      const { contacts } = this.#relay.service
      contacts.changeRules(
        account.address,
        () => ({ removed: [], put: [rule] }),
        (outcome) => {
          if (outcome.kind === 'refused') return this.#reply(request, transId, codeOf[outcome.condition])
          this.#touch(account, actor, actionsOfRule(rule))
          this.#reply(request, transId, 250)
          this.#tellOwner(request, transId, account, this.#entryOf(account, owner, actor))
        },
      )
    })
  }

  /** Who has a default and nothing else may be given just that; what no rule would obey is refused. */
  #confirmDefault(
    request: ServiceRequest,
    transId: number,
    account: Account,
    { actor, actions }: AccessEntry,
    known: AccessEntry | undefined,
  ): void {
    if (known?.actions === undefined)
      return this.#reply(request, transId, 554, 'no rule is about such actors')
    if (actions === undefined || !saysTheSame(actions, known.actions))
      return this.#reply(request, transId, 554, 'this entry is a default that stays')
    this.#touch(account, actor, known.actions)
    this.#reply(request, transId, 250)
    this.#tellOwner(request, transId, account, this.#entryOf(account, known.owner, actor))
  }

  /** Step 8. A default entry that nothing overrides can't be taken away. */
  #delete(
    request: ServiceRequest,
    transId: number,
    account: Account,
    entry: AccessEntry,
    subject: string,
  ): void {
    if (ownRule(account, subject) === undefined)
      return this.#reply(
        request,
        transId,
        entry.lastUpdate === undefined ? 551 : 554,
        'there is only a default',
      )
    this.#relay.service.contacts.removeRule(account.address, subject, (outcome) => {
      if (outcome.kind === 'refused') return this.#reply(request, transId, codeOf[outcome.condition])
      this.#stamps.delete(stampKey(account, entry.actor))
      this.#reply(request, transId, 250)
      const { owner, actor, lastUpdate } = entry
      this.#tellOwner(request, transId, account, { owner, actor, actions: undefined, lastUpdate })
    })
  }

  /** The entry of just that actor: a rule, or a default. */
  #entryOf(account: Account, owner: string, actor: string): AccessEntry | undefined {
    const about = subjectOfActor(account, actor)
    const rule = typeof about === 'string' ? undefined : ownRule(account, about.subject)
    const actions =
      rule === undefined ? defaultActions(account, actor, this.#relay.service.policy) : actionsOfRule(rule)
    if (actions === undefined) return undefined
    return { owner, actor, actions, lastUpdate: timestampText(this.#stampOf(account, actor, actions)) }
  }

  #stampOf(account: Account, actor: string, actions: readonly string[]): number {
    const known = this.#stamps.get(stampKey(account, actor))
    return known?.actions === actions.join(' ') ? known.at : this.#touch(account, actor, actions)
  }

  /** Its last update is now: "should be different from the value associated with any replaced entry". */
  #touch(account: Account, actor: string, actions: readonly string[]): number {
    const key = stampKey(account, actor)
    const at = Math.max(this.#relay.service.clock.now(), (this.#stamps.get(key)?.at ?? 0) + 1)
    this.#stamps.delete(key)
    if (this.#stamps.size >= stampsMax) {
      for (const oldest of this.#stamps.keys()) {
        this.#stamps.delete(oldest)
        break
      }
    }
    this.#stamps.set(key, { at, actions: actions.join(' ') })
    return at
  }

  /** Steps 1 to 3: access:query, access:get and access:set are the owner's alone. */
  #asOwner(request: ServiceRequest, transId: number, owner: string, use: (account: Account) => void): void {
    const subject = readEndpoint(owner)
    if (subject === undefined) return this.#reply(request, transId, 550)
    if (!this.#relay.isOurs(subject.domain)) return this.#reply(request, transId, 553)
    const person = personOf(subject)
    if (person === undefined || isService(subject)) return this.#reply(request, transId, 550)
    this.#relay.service.directory.find(person, (found) => {
      if (found === 'fault') return this.#reply(request, transId, codeOf['internal-fault'])
      if (found === 'unknown') return this.#reply(request, transId, 550)
      const by = this.#relay.isOurs(request.originator.domain) ? personOf(request.originator) : undefined
      const isOwner = [found.address, ...found.record.aliases].some(({ key }) => key === by?.key)
      if (!isOwner) return this.#reply(request, transId, 537)
      use(found)
    })
  }

  /** Steps 6.4, 8.3 and 9.4: the owner is told, though it was he who did it. */
  #tellOwner(
    request: ServiceRequest,
    transId: number,
    account: Account,
    entry: AccessEntry | undefined,
  ): void {
    if (entry !== undefined) this.#say(request, endpointOf(account.address), setText(transId, entry))
  }

  #reply(request: ServiceRequest, transId: number | undefined, code: number, text?: string): void {
    this.#say(request, request.originator, replyText(code, transId, text))
  }

  #say({ domain }: ServiceRequest, to: EndpointName, inline: string): void {
    this.#relay.post({ service: 'access', domain, to, inline })
  }
}

function stampKey({ address }: Account, actor: string): string {
  return `${address.key}\n${actor}`
}
