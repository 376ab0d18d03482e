// Accounts that are made in band (XEP-0077 §3.1): only where the settings say so, on a stream that may carry a password, and no more from
// one address than they say.
import type { Clock } from '#base'
import type { Service } from '#core'
import type { Address } from '#model'
import { RateLimit } from '#net'
import type { Element, Frame } from '#wire/xml'
import { parseJid } from './codec/jid.ts'
import {
  type RegistrationRequest,
  registrationAnswer,
  registrationForm,
  registrationRequest,
} from './codec/registration.ts'
import { type StanzaError, stanzaError } from './codec/stanza-error.ts'
import { stanzaErrorOf } from './errors.ts'
import type { SessionEnvironment } from './session-environment.ts'
import type { XmppSettings } from './settings.ts'
import type { StreamState } from './stream.ts'

type Answer = Element | StanzaError | 'done'

/** The registrations of all streams of the server. */
export class Registrations {
  readonly #service: Service
  readonly #rate: RateLimit

  constructor(service: Service, clock: Clock, perHour: number) {
    this.#service = service
    this.#rate = new RateLimit({ perSecond: perHour / 3600, burst: perHour, clock })
  }

  /** Answers a request of somebody who has not logged in; `answered` gets the text once. */
  take(
    request: RegistrationRequest,
    domain: string,
    remoteAddress: string,
    answered: (text: string) => void,
  ): void {
    const answer = (one: Answer): void => answered(registrationAnswer(request.id, one))
    if (request.id === undefined) return answer(stanzaError('bad-request'))
    if (request.to !== undefined && parseJid(request.to)?.address.domain !== domain)
      return answer(stanzaError('service-unavailable'))
    if (request.type === 'get') return answer(registrationForm())
    const { username, password, remove } = request.fields
    // XEP-0077 §3.2: who has no account here has none to remove.
    if (remove) return answer(stanzaError('unexpected-request'))
    if (username === undefined || username === '' || password === undefined || password === '')
      return answer(stanzaError('not-acceptable'))
    const address = nameOf(username, domain)
    if (address === undefined) return answer(stanzaError('not-acceptable'))
    if (!this.#rate.take(remoteAddress)) return answer(stanzaError('resource-constraint'))
    this.#add(address, password, remoteAddress, answer)
  }

  #add(address: Address, password: string, remoteAddress: string, answer: (one: Answer) => void): void {
    const { accounts, log } = this.#service
    accounts.add([{ address, password }]).then(
      ([outcome]) => {
        if (outcome?.kind === 'refused') return answer(stanzaErrorOf(outcome.condition))
        log.info('an account was registered in band', { account: address.key, remote: remoteAddress })
        answer('done')
      },
      (cause: unknown) => {
        log.error('an account could not be registered', { error: cause })
        answer(stanzaError('internal-server-error'))
      },
    )
  }
}

/** The address that a name makes at the domain; undefined when RFC 7622 §3.3 has none. */
function nameOf(username: string, domain: string): Address | undefined {
  const jid = parseJid(`${username}@${domain}`)
  if (jid === undefined || jid.resource !== '' || jid.address.user === '') return undefined
  return jid.address.domain === domain ? jid.address : undefined
}

/**
 * Takes what somebody who has not logged in says, where it is about registration and the stream may carry a password; false where
 * it is something else. `answered` gets the text once.
 */
export function takeRegistration(
  { registrations, settings }: SessionEnvironment,
  { phase, user, secure, domain }: StreamState,
  frame: Frame,
  remoteAddress: string,
  answered: (text: string) => void,
): boolean {
  if (phase !== 'features' || user !== undefined || !(secure || settings.plainWithoutTls)) return false
  const request = registrationRequest(frame)
  if (request === undefined) return false
  if (registrations === undefined)
    answered(registrationAnswer(request.id, stanzaError('service-unavailable')))
  else registrations.take(request, domain, remoteAddress, answered)
  return true
}

/** Undefined where accounts are not made in band. */
export function registrationsOf(service: Service, settings: XmppSettings): Registrations | undefined {
  if (!settings.registration) return undefined
  return new Registrations(service, service.clock, settings.registrationsAnHourMax)
}
