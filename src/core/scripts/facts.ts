// What scripts may look at, for requests of any protocol: from the head, and from what a message says.
import {
  type Address,
  type AddressField,
  type Envelope,
  type InstantMessage,
  type RequestFacts,
  sipUri,
} from '#model'

/** Where RFC 3880 has a URI, that of SIP stands for a person of any protocol (decision 0148). */
export function personUri(address: Address): string {
  return sipUri(address)
}

export function factsOfMessage(envelope: Envelope): RequestFacts {
  const { head } = envelope
  const own = envelope.facts?.()
  const said = (): InstantMessage => envelope.view() as InstantMessage
  return {
    address(field) {
      // Who sent it is who has proven to be it, whatever is written in it; how they call themselves is written there.
      const address = { uri: personUri(partyOf(head, field)) }
      const given = own?.address(field)
      if (field !== 'origin') return given ?? address
      const display = own === undefined ? said().senderName : given?.display
      return { uri: given?.uri ?? address.uri, ...(display === undefined ? {} : { display }) }
    },
    text(field) {
      if (own !== undefined) return own.text(field)
      return field === 'subject' ? said().subject[0]?.text : undefined
    },
    languages() {
      if (own !== undefined) return own.languages()
      const written = said()
        .body.map(({ language }) => language)
        .filter((language) => language !== '')
      return written.length === 0 ? undefined : written
    },
    priority: () => own?.priority(),
  }
}

/** Of a wish to watch somebody there is no more than the two. */
export function factsOfWatching(watcher: Address, presentity: Address): RequestFacts {
  return {
    address: (field) => ({ uri: personUri(field === 'origin' ? watcher : presentity) }),
    text: () => undefined,
    languages: () => undefined,
    priority: () => undefined,
  }
}

function partyOf({ from, to, divertedFrom }: Envelope['head'], field: AddressField): Address {
  if (field === 'origin') return from
  return field === 'destination' ? to : (divertedFrom?.[0] ?? to)
}
