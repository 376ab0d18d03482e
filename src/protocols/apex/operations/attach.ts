// The attach operation (RFC 3340 §4.4.1, §4.5.1) and its option attachOverride (RFC 3342 §1).

import { randomId } from '#base'
import type { Account } from '#core'
import { type BeepError, beepError } from '#protocols/beep'
import type { ApexChannel } from '../apex-channel.ts'
import { Attachment } from '../attachment.ts'
import { type Attach, type EndpointName, isService, personOf } from '../codec/index.ts'

/** §10 has more codes than BEEP. */
function inUse(text: string): BeepError {
  return { code: 555, text }
}

/** `answer` without an error: attached. */
export function attach(channel: ApexChannel, message: Attach, answer: (error?: BeepError) => void): void {
  const { relay, session } = channel
  const { endpoint, transId } = message
  if (channel.isInProgress(transId)) return answer(inUse('the transaction-identifier is in use'))
  if (!relay.isOurs(endpoint.domain)) return answer(beepError(553, 'the endpoint is of another domain'))
  const { identity } = session.beep
  if (identity === undefined) return answer(beepError(530))
  channel.begin(transId)
  const refuse = (error: BeepError): void => {
    channel.end(transId)
    answer(error)
  }
  relay.service.directory.find(identity.owner, (found) => {
    if (found === 'fault') return refuse(beepError(451))
    if (found === 'unknown' || !isOwnedBy(endpoint, found)) return refuse(beepError(537))
    const error = optionError(message) ?? holderError(channel, message)
    if (error !== undefined) return refuse(error)
    join(channel, message, found, answer, refuse)
  })
}

/** §4.5.1: an application is its own person, and every subaddress of that; services are nobody's. */
function isOwnedBy(endpoint: EndpointName, account: Account): boolean {
  const person = personOf(endpoint)
  if (person === undefined || isService(endpoint)) return false
  return [account.address, ...account.record.aliases].some(({ key }) => key === person.key)
}

/** §5: in attach, targetHop is ignored: all of them apply. */
function optionError({ options }: Attach): BeepError | undefined {
  const unknown = options.find(({ name, mustUnderstand }) => mustUnderstand && name !== 'attachOverride')
  return unknown && beepError(504, `option ${unknown.name} is not understood here`)
}

function holderError({ relay, session }: ApexChannel, { endpoint, options }: Attach): BeepError | undefined {
  const isOverride = options.some(({ name, isRegistered }) => isRegistered && name === 'attachOverride')
  const holder = relay.endpoints.find(endpoint)
  if (holder !== undefined && !isOverride) return beepError(554, 'another application is attached')
  if (session.attachments.size >= relay.settings.attachmentsMax) return beepError(554, 'too many attachments')
  holder?.terminate(556, 'overridden')
  return undefined
}

function join(
  channel: ApexChannel,
  { endpoint, transId }: Attach,
  account: Account,
  answer: (error?: BeepError) => void,
  refuse: (error: BeepError) => void,
): void {
  const { relay, session } = channel
  const attachment: Attachment = new Attachment({
    relay,
    account,
    endpoint,
    transId,
    id: idFor(endpoint, account),
    channel: () => channel.channel,
    onEnded: () => channel.detached(attachment),
  })
  if (session.isOver || !relay.service.messages.attachTo(account, attachment))
    return refuse(beepError(554, 'the inbox has too many'))
  relay.endpoints.add(attachment)
  relay.metrics.attachments.add(1)
  channel.attached(attachment)
  answer()
  channel.ready()
}

/** Data for a subaddress finds its application by it (`toAgent`); ids are unique in an inbox, over all protocols. */
function idFor({ subaddress }: EndpointName, { inbox }: Account): string {
  return subaddress !== '' && inbox.named(subaddress) === undefined ? subaddress : `apex-${randomId(8)}`
}
