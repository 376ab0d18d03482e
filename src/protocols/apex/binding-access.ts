// Access entries of APEX <-> the core's access rules (RFC 3341 §3; docs/mappings/apex.md). A rule says of an address, a domain, a domain with
// its subdomains or everybody what an entry says of `user@domain`, `*@domain`, `*@*.domain`, `*@*`; the choice among them is the same
// (§3.1: the exact domain first, then the longest name behind a wildcard; so the local part).

import {
  type AccessPolicy,
  type AccessRule,
  type Account,
  isBlocked,
  maySubscribe,
  readSubject,
  ruleFor,
} from '#core'
import type { Address } from '#model'
import { type EndpointName, endpointOf, isService, personOf, readEndpoint } from './codec/index.ts'

/** What an entry is about: the subject of a rule; or why no rule can be. */
export type ActorSubject = { readonly subject: string } | 'not-expressible' | 'malformed'

/** §3: `*@*`, `*@domain`, `*@*.domain`, or one address of another than the owner, in which `\*` and `\\` stand for themselves. */
export function subjectOfActor(account: Account, written: string): ActorSubject {
  const at = written.lastIndexOf('@')
  if (at < 1) return 'malformed'
  const domain = written.slice(at + 1)
  const local = written.slice(0, at)
  if (domain.includes('*')) {
    const subject = readSubject(domain)
    if (subject === undefined) return 'malformed'
    return local === '*' ? { subject } : 'not-expressible'
  }
  if (local === '*') {
    const endpoint = readEndpoint(`x@${domain}`)
    const prepared = endpoint && personOf(endpoint)
    return prepared === undefined ? 'malformed' : { subject: prepared.domain }
  }
  if (/(^|[^\\])(\\\\)*\*/.test(local)) return 'not-expressible'
  const endpoint = readEndpoint(`${local.replace(/\\([*\\])/g, '$1')}@${domain}`)
  if (endpoint === undefined) return 'malformed'
  // Services have their defaults, applications of a person that person's entry.
  if (isService(endpoint) || endpoint.subaddress !== '') return 'not-expressible'
  const actor = personOf(endpoint)
  if (actor === undefined) return 'malformed'
  // No rule keeps a person from oneself.
  return isOwner(account, actor) ? 'not-expressible' : { subject: actor.key }
}

function isOwner({ address, record }: Account, person: Address | undefined): boolean {
  return [address, ...record.aliases].some(({ key }) => key === person?.key)
}

const all = ['core:data', 'presence:subscribe'] as const

/** The rule that a list of actions asks for; undefined where none says so. */
export function ruleOfActions(subject: string, actions: readonly string[]): AccessRule | undefined {
  const granted = new Set(actions.flatMap(expanded))
  const beyond = [...granted].filter((token) => !(all as readonly string[]).includes(token))
  if (beyond.length > 0) return undefined
  const rule = { subject, visibility: 'full' } as const
  if (granted.size === 0) return { ...rule, action: 'block' }
  if (granted.has('core:data')) return { ...rule, action: granted.size === 2 ? 'allow' : 'confirm' }
  return undefined
}

/** `all` stands for every service and every operation that can be granted to others; `none` for no operation. */
function expanded(token: string): readonly string[] {
  const [service, operation] = token.split(':') as [string, string]
  if (operation === 'none') return []
  const found = all.filter((each) => {
    const [ownService, ownOperation] = each.split(':')
    return (
      (service === 'all' || service === ownService) && (operation === 'all' || operation === ownOperation)
    )
  })
  return found.length > 0 ? found : [token]
}

/** A rule as actions. Politeness is not shown: `all:none` is what both kinds of block come to. */
export function actionsOfRule({ action }: AccessRule): readonly string[] {
  switch (action) {
    case 'allow':
      return all
    case 'confirm':
      return ['core:data']
    default:
      return ['all:none']
  }
}

/** §3.1 and its defaults: whether the owner grants all of the actions to the actor. */
export function grants(
  account: Account,
  actor: EndpointName,
  actions: readonly string[],
  policy: AccessPolicy,
): boolean {
  const person = personOf(actor)
  if (isOwner(account, person) && !isService(actor)) return true
  if (isService(actor))
    return actor.domain === account.address.domain || actions.every((token) => token === 'core:data')
  if (person === undefined) return false
  return actions
    .flatMap((token) => (/:none$/.test(token) ? [] : wanted(token)))
    .every((token) => {
      if (token === 'core:data') return !isBlocked(account.rules, person)
      if (token === 'presence:subscribe') return maySubscribe(account, person, policy) === 'allow'
      return false
    })
}

/** A wildcard asks for everything that it stands for, and some of that is the owner's alone. */
function wanted(token: string): readonly string[] {
  if (token === 'core:all') return ['core:data']
  return token === 'presence:all' || token.startsWith('all:') ? [...all, token] : [token]
}

/** Whether an address is named by a rule of its own. */
export function ownRule(account: Account, subject: string): AccessRule | undefined {
  return account.rules.get(subject)
}

/** The default entry of an actor (§3), as this server grants it; undefined where there is none of that name. */
export function defaultActions(
  account: Account,
  written: string,
  policy: AccessPolicy,
): readonly string[] | undefined {
  const { address } = account
  if (written === endpointOf(address).written) return ['all:all']
  if (written === `apex=*@${address.domain}`) return ['all:all']
  if (written === 'apex=*@*') return ['core:data']
  if (written === '*@*') return ['core:data']
  if (written !== `*@${address.domain}` || isSaidOf(account, address.domain)) return undefined
  const confirms = policy.confirmIn?.get(address.domain) ?? policy.confirmSameDomain
  return confirms ? undefined : all
}

/** Whether a rule decides about a domain's people as such. */
function isSaidOf({ rules }: Account, domain: string): boolean {
  return ruleFor(rules, { user: '', domain, key: domain }) !== undefined
}

/** Whether two lists grant the same in the same words. */
export function saysTheSame(actions: readonly string[], others: readonly string[]): boolean {
  return actions.every((one) => others.includes(one)) && others.every((one) => actions.includes(one))
}
