// SASL EXTERNAL between relays (RFC 3080 §4.1, RFC 4422 appendix A): the domain that the certificate proves becomes the session's identity. It is
// offered to who shows a certificate and used where it is offered; bind asks for the proof all the same (RFC 3340 §4.5.2).

import { externalClient, type SaslMechanism } from '#auth'
import { strictText } from '#base'
import { parseAddress } from '#model'
import type { Connection } from '#net'
import {
  authenticate,
  type BeepProfile,
  offeredMechanisms,
  type SaslServer,
  type Session,
  saslProfilesOf,
} from '#protocols/beep'
import type { Relay } from '../relay.ts'

export interface ExternalParts {
  readonly relay: Relay
  readonly connection: Connection
  /** Why the far end may not speak for the domain; undefined: it may. */
  readonly refusal: (domain: string) => string | undefined
}

/** Serves it on one connection. */
export function externalProfile({ relay, connection, refusal }: ExternalParts): readonly BeepProfile[] {
  const { log, router } = relay.service
  const sasl: SaslServer = {
    mechanisms: ({ certificate }) => (certificate === undefined ? [] : ['EXTERNAL']),
    begin: (mechanism, { certificate }) => {
      if (mechanism !== 'EXTERNAL' || certificate === undefined) return undefined
      return mechanismOf((domain) => {
        const why = refusal(domain)
        if (why !== undefined)
          log.warn('a relay could not prove its domain', { domain, address: connection.remote.address, why })
        return why === undefined
      })
    },
  }
  const domainOf = ({ serverName }: Session): string => serverName ?? (router.domains[0] as string)
  return saslProfilesOf({ sasl, log, domainOf })
}

/** The message names the domain: a certificate may have several. */
function mechanismOf(isProven: (domain: string) => boolean): SaslMechanism {
  return {
    mechanism: 'EXTERNAL',
    step: async (message) => {
      const written = strictText(message) ?? ''
      const domain = written === '' ? undefined : parseAddress(written)
      if (domain === undefined || domain.user !== '')
        return { kind: 'failure', failure: 'invalid-authzid', isGuess: false }
      if (!isProven(domain.domain)) return { kind: 'failure', failure: 'invalid-authzid' }
      return { kind: 'success', owner: domain, name: domain, data: undefined }
    },
  }
}

/** Logs in as a domain of ours where the far end offers that; `onDone` gets why it failed. */
export function logInAsDomain(
  session: Session,
  { ours, theirs }: { readonly ours: string; readonly theirs: string },
  onDone: (refusal?: string) => void,
): void {
  if (!offeredMechanisms(session).includes('EXTERNAL')) return onDone()
  authenticate(
    session,
    externalClient(ours),
    (outcome) => {
      if (outcome.kind === 'done') return onDone()
      const { code, text = '' } = outcome.kind === 'refused' ? outcome.error : { code: 421 }
      onDone(outcome.kind === 'broken' ? outcome.why : `EXTERNAL was refused: ${code} ${text}`.trim())
    },
    theirs,
  )
}
