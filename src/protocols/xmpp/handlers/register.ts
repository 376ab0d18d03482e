// One's own account in band, once logged in (XEP-0077 §3.2, §3.3): what is on file, another password, the end of the account; each only
// where the settings allow it.
import type { AccountOutcome } from '#core'
import { jidEscaped } from '#model'
import { registerNamespace } from '../codec/namespaces.ts'
import { registeredForm, registrationFields } from '../codec/registration.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOf } from '../errors.ts'
import type { IqHandler, IqRequest } from './iq.ts'

export const registerIq: IqHandler = {
  payload: `{${registerNamespace}}query`,
  addressee: 'either',
  features: { server: [registerNamespace] },
  isOffered: ({ settings }) => settings.registration || settings.passwordChange || settings.accountRemoval,
  get: ({ session, result }) => result(registeredForm(jidEscaped(session.owner.user))),
  set: (request) => {
    const { settings, owner } = request.session
    const { username, password, remove, removeAlone } = registrationFields(request.payload)
    if (remove) {
      if (!removeAlone) return request.error(stanzaError('bad-request'))
      return settings.accountRemoval ? removeAccount(request) : request.error(stanzaError('not-allowed'))
    }
    if (!settings.passwordChange) return request.error(stanzaError('not-allowed'))
    // XEP-0077 §3.3: never to no password.
    if (username === undefined || password === undefined || password === '')
      return request.error(stanzaError('bad-request'))
    if (username.toLowerCase() !== jidEscaped(owner.user)) return request.error(stanzaError('not-allowed'))
    changePassword(request, password)
  },
}

function changePassword(request: IqRequest, password: string): void {
  const { service, owner } = request.session
  ended(request, service.accounts.setPassword(owner, password), () => request.result())
}

/** The answer goes out before the session ends with the account (XEP-0077 §3.2: not-authorized). */
function removeAccount(request: IqRequest): void {
  const { service, owner } = request.session
  ended(
    request,
    service.accounts.remove(owner, () => request.result()),
    () => {},
  )
}

function ended(request: IqRequest, outcome: Promise<AccountOutcome>, done: () => void): void {
  outcome.then(
    (reached) => {
      if (reached.kind === 'refused') request.error(stanzaErrorOf(reached.condition))
      else done()
    },
    (cause: unknown) => {
      request.session.service.log.error('an account could not be changed in band', { error: cause })
      request.error(stanzaError('internal-server-error'))
    },
  )
}
