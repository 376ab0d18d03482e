// What a look at another domain found, in words: how it would be spoken with, protocol by protocol and server by server.
import type { DomainExamination } from '#admin'
import { type Finding, good, notice, trouble } from './finding.ts'
import { sharesText } from './shares.ts'

type Protocol = DomainExamination['protocols'][number]

export function domainFindings(found: DomainExamination): Finding[] {
  const { domain, policy, protocols } = found
  return [
    ...(policy.allowed
      ? []
      : [notice('policy', `${domain} is not spoken with, by our configuration`, remedies.policy)]),
    ...(policy.allowed && policy.shares !== undefined ? [good('policy', sharesText(policy.shares))] : []),
    ...protocols.flatMap(protocolFindings),
    ...(['messages', 'presence'] as const).map((service) => goes(found, service)),
  ]
}

function protocolFindings({ protocol, reached, source, tries }: Protocol): Finding[] {
  if (reached === 'unanswered')
    return [trouble(protocol, source, 'look whether the name servers answer, here and there')]
  if (!reached.messages && !reached.presence) return [good(protocol, `not offered: ${source}`)]
  const services = [...(reached.messages ? ['messages'] : []), ...(reached.presence ? ['presence'] : [])]
  const guess = reached.named ? '' : ', tried only where no protocol is named'
  return [
    good(protocol, `${services.join(' and ')}, by ${source}${guess}`),
    ...tries.map(({ where, isGood, outcome }) =>
      isGood ? good(where, outcome) : trouble(where, outcome, remedyFor(outcome)),
    ),
  ]
}

function goes(
  { domain, goes: ways, protocols }: DomainExamination,
  service: 'messages' | 'presence',
): Finding {
  const way = ways[service]
  const by = protocols.find(({ protocol }) => protocol === way)
  if (by === undefined)
    return trouble(domain, `no ${service}: ${reasons[way] ?? way}`, remedies[way] ?? remedies.other)
  const isReached = by.tries.length === 0 || by.tries.some(({ isGood }) => isGood)
  const own = service === 'messages' ? ', unless the sender’s own protocol is offered too' : ''
  return isReached
    ? good(domain, `${service}: by ${by.protocol}${own}`)
    : trouble(domain, `${service}: by ${by.protocol}, and none of its servers can be used now`, remedies.wait)
}

const reasons: Readonly<Record<string, string>> = {
  'domain-unknown': 'it offers no protocol that we speak with other domains',
  'connection-failed': 'DNS gave no answer, so that nobody can say',
  'permission-denied': 'our configuration forbids it',
}

const remedies: Readonly<Record<string, string>> & {
  readonly other: string
  readonly policy: string
  readonly wait: string
} = {
  'domain-unknown':
    'ask its operator which records it publishes, or name its servers: verona peers set DOMAIN protocol=... servers=...',
  'connection-failed': 'look whether the name servers answer',
  'permission-denied': 'see verona peers show DOMAIN',
  policy: 'see verona peers show DOMAIN',
  wait: 'mend what is said of its servers above; messages wait meanwhile, see verona peers show DOMAIN',
  other: 'look into the log of the server',
}

/** The commonest words of what fails, and who can mend it. */
function remedyFor(outcome: string): string {
  if (/certificate/i.test(outcome))
    return 'its operator renews or mends the certificate; a laboratory may set tls=encrypted, another name identity=...'
  if (/prove itself|domain-authentication|dialback/i.test(outcome))
    return 'it does not believe that we are who we say: see that our certificate is for our domain and of an authority that it trusts (verona doctor)'
  if (/ECONNREFUSED|connection refused/i.test(outcome))
    return 'nobody listens there: its operator starts the server or mends the record'
  if (/no address|unreachable|time|route/i.test(outcome))
    return 'a record that leads nowhere, or a firewall between: try from another machine'
  return 'ask its operator, with these words'
}
