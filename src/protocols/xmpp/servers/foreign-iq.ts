// Requests of people of other domains that the server answers itself, for itself or on behalf of somebody here (RFC 6120 §10.5.1,
// RFC 6121 §8.5.2.1.3).
import type { Bytes } from '#base'
import { type Account, mayReach } from '#core'
import { childElementOf, type Element } from '#wire/xml'
import { fullJid } from '../codec/jid.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { resultElement } from '../delivery.ts'
import type { Asker, IqRequest, OpenIqHandler } from '../handlers/iq.ts'
import { iqHandlers, openIqHandlers } from '../handlers/iq-handlers.ts'
import type { ServersEnvironment } from './environment.ts'
import type { Arrival } from './incoming.ts'
import { elementBytes, errorBytes } from './writing.ts'

const handlers = new Map<string, OpenIqHandler>(openIqHandlers.map((handler) => [handler.payload, handler]))

export function answerForeignIq(
  environment: ServersEnvironment,
  { stanza, from, to }: Arrival,
  type: 'get' | 'set',
  write: (bytes: Bytes) => void,
): void {
  const { service, settings, version } = environment
  const id = stanza.id ?? ''
  const own = fullJid(to.address, to.resource)
  const theirs = fullJid(from.address, from.resource)
  const error = (wrong: StanzaError): void => write(errorBytes('iq', id, own, theirs, wrong))
  const result = (...children: Element[]): void =>
    write(elementBytes(resultElement(id, own, theirs, ...children)))
  const unavailable = (): void => error(stanzaError('service-unavailable'))
  const { frame } = stanza
  const handler = handlers.get(`{${frame.childNamespace(0)}}${frame.childName(0)}`)
  const asker: Asker = { service, settings, version, owner: from.address }
  const addressee = to.address.user === '' ? 'server' : 'person'
  // RFC 6120 §8.4, RFC 6121 §8.5.2.1.3
  const isFor =
    handler !== undefined &&
    (addressee === 'person' ? handler.ofPersons === 'answered' : handler.addressee !== 'account')
  if (!isFor || to.resource !== '' || handler.isOffered?.(asker) === false) return unavailable()
  const payload = childElementOf(frame, 0)
  const ask = (person: Account | undefined): void => {
    const act = handler[type]
    if (act === undefined)
      return error(stanzaError(addressee === 'person' ? 'forbidden' : 'feature-not-implemented'))
    // The server is asked for itself alone: no handler looks at a person then.
    const request: Omit<IqRequest<Asker>, 'person'> = {
      session: asker,
      type,
      addressee,
      handlers: iqHandlers,
      payload,
      result,
      error,
    }
    act({ ...request, person: person as Account })
  }
  if (addressee === 'server') return ask(undefined)
  service.directory.find(to.address, (found) => {
    if (found === 'fault') return error(stanzaError('internal-server-error'))
    // RFC 6121 §8.5.1; a blocked one sees the same (XEP-0191 §3).
    if (found === 'unknown' || !mayReach(found, from.address, from.resource)) return unavailable()
    ask(found)
  })
}
