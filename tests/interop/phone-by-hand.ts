// A SIP phone by hand, in the words of the transcripts, at a server that is a process.
import { SipParty } from '../transcripts/sip-party.ts'
import { password } from './server.ts'

/** @param port where that server takes phones by UDP @param variables what `{name}` was, shared by phones of one test */
export function phoneByHand(address: string, port: number, variables = new Map<string, string>()): SipParty {
  return new SipParty([address], {
    name: address,
    octets: new Map(),
    places: new Map([['sip.udp', { host: '127.0.0.1', port }]]),
    variables,
    passwordOf: () => password,
  })
}

/** What a phone publishes of itself (RFC 3903), as its unit in a script. */
export function published(address: string, tuple: string, match = ''): string {
  return `PUBLISH sip:${address} SIP/2.0\nEvent: presence\nExpires: 600\n${match}Content-Type: application/pidf+xml\n\n<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${address}">${tuple}</presence>`
}
