// Requests in the name of people of other domains: what is asked before they are taken (RFC 5922 §7.4, RFC 3325 §5, decision 0041).

import { mayComeBy, type PeerShares, type Service } from '#core'
import type { JudgeForeign } from '../authentication.ts'
import { addressOfSipUri } from '../binding.ts'
import type { DialogEnd } from '../client/user-agent.ts'
import { header } from '../codec/header-names.ts'
import { nameAddrsOf } from '../codec/name-addr.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'
import type { Domains } from './domains.ts'

/** What is presence, as the policy for a domain says it. */
const ofPresence: ReadonlySet<string> = new Set(['SUBSCRIBE', 'NOTIFY', 'PUBLISH'])

/** LIMIT: requests beyond a domain's share are refused; not those that end something. */
const endsSomething: ReadonlySet<string> = new Set(['BYE', 'CANCEL'])

export function judgeForeign({ peers, log, shares }: Service, domains: Domains): JudgeForeign {
  const { admission, reach } = domains
  return (incoming, from, use) => {
    const { request, flow, parts } = incoming
    // RFC 3261 §16.4: whom it is for is in the Request-URI, unless that is a route of ours; then any domain of ours may be meant.
    const policy = peers.policyFor(from.domain, parts.uri?.host)
    const { method } = request
    // UMPP §4.1: an INVITE to an `im:` URI sets up a session of messages.
    const isMessage = method === 'MESSAGE' || (method === 'INVITE' && parts.uri.scheme === 'im')
    const isWelcome = isMessage
      ? mayComeBy(policy, 'messages', 'sip', 'umpp')
      : ofPresence.has(method)
        ? mayComeBy(policy, 'presence', 'sip', 'umpp')
        : policy.calls
    if (!isWelcome) return use('refused')
    // Where the servers' addresses are asked of DNS, it leaves the tick.
    if (admission.asksDns(from.domain)) incoming.keep()
    admission.judge(flow, from, (verdict) => {
      if (!verdict.taken) {
        // Anybody can claim to be anybody, as often as they like; who has to do with us is shown why it is not heard.
        log.debug('a request of another domain was refused', {
          domain: from.domain,
          why: verdict.why,
          address: flow.remote.address,
        })
        if (domains.knows(from.domain))
          reach.noted(from.domain, `from ${flow.remote.address}: ${verdict.why}`)
        return use('refused')
      }
      if (verdict.vouchedBy === 'peer-domain') {
        reach.ways.heard(flow, parts.via)
        reach.ways.used(flow, from.domain)
        reach.answered(from.domain)
        incoming.isAsserted = assertsOwn(incoming, from.domain)
      }
      // RFC 3261 §21.5.4: when to come again is said.
      if (!isWithinShare(shares, incoming, from.domain)) return
      use(verdict.vouchedBy)
    })
  }
}

/** False: it was answered, with when the domain may come again. */
function isWithinShare(shares: PeerShares, incoming: Incoming, domain: string): boolean {
  const { method, raw } = incoming.request
  const patience = endsSomething.has(method) ? Number.POSITIVE_INFINITY : 0
  if (shares.received(domain, raw.length, patience) !== 'refused') return true
  incoming.answer(503, [['Retry-After', Math.ceil(shares.untilFrom(domain) / 1000)]])
  return false
}

/** Whether all that it asserts is of the domain itself, which knows. */
function assertsOwn({ request }: Incoming, domain: string): boolean {
  const asserted = nameAddrsOf(request, header.pAssertedIdentity)
  return asserted?.every(({ uri }) => addressOfSipUri(uri)?.domain === domain) === true
}

/** A request in a dialog of ours with another domain: it comes from there, or is not heard. */
export function inOurDialog({ domains, service }: SipContext, incoming: Incoming, end: DialogEnd): void {
  if (domains === undefined) return incoming.answer(481)
  incoming.keep()
  domains.admission.judge(incoming.flow, { domain: end.ends.theirs }, (verdict) => {
    if (!verdict.taken) {
      domains.reach.noted(end.ends.theirs, `from ${incoming.flow.remote.address}: ${verdict.why}`)
      return incoming.answer(403)
    }
    incoming.flow.known = true
    domains.reach.answered(end.ends.theirs)
    domains.reach.ways.heard(incoming.flow, incoming.parts.via)
    const { ours, theirs } = end.ends
    const isPresence = ofPresence.has(incoming.request.method)
    if (isPresence && !mayComeBy(service.peers.policyFor(theirs, ours), 'presence', 'sip', 'umpp'))
      return incoming.answer(403)
    if (!isWithinShare(service.shares, incoming, theirs)) return
    end.takes(incoming)
  })
}
