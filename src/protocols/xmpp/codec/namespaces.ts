// The namespaces that the server itself reads or writes.
import { Namespaces } from '#wire/xml'

export const clientNamespace = 'jabber:client'
export const streamNamespace = 'http://etherx.jabber.org/streams'
export const streamErrorsNamespace = 'urn:ietf:params:xml:ns:xmpp-streams'
export const stanzaErrorsNamespace = 'urn:ietf:params:xml:ns:xmpp-stanzas'
export const tlsNamespace = 'urn:ietf:params:xml:ns:xmpp-tls'
export const saslNamespace = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const bindNamespace = 'urn:ietf:params:xml:ns:xmpp-bind'
export const sessionNamespace = 'urn:ietf:params:xml:ns:xmpp-session'
export const rosterNamespace = 'jabber:iq:roster'
export const rosterVersioningNamespace = 'urn:xmpp:features:rosterver'
export const preApprovalNamespace = 'urn:xmpp:features:pre-approval'
export const pingNamespace = 'urn:xmpp:ping'
export const versionNamespace = 'jabber:iq:version'
export const timeNamespace = 'urn:xmpp:time'
export const discoInfoNamespace = 'http://jabber.org/protocol/disco#info'
export const discoItemsNamespace = 'http://jabber.org/protocol/disco#items'
export const capsNamespace = 'http://jabber.org/protocol/caps'
export const registerNamespace = 'jabber:iq:register'
export const dataFormsNamespace = 'jabber:x:data'
export const delayNamespace = 'urn:xmpp:delay'
export const carbonsNamespace = 'urn:xmpp:carbons:2'
export const forwardNamespace = 'urn:xmpp:forward:0'
export const hintsNamespace = 'urn:xmpp:hints'
export const stanzaIdNamespace = 'urn:xmpp:sid:0'
export const archiveNamespace = 'urn:xmpp:mam:2'
export const resultSetNamespace = 'http://jabber.org/protocol/rsm'
export const validateNamespace = 'http://jabber.org/protocol/xdata-validate'
export const blockingNamespace = 'urn:xmpp:blocking'
export const blockingErrorsNamespace = 'urn:xmpp:blocking:errors'
export const chatStatesNamespace = 'http://jabber.org/protocol/chatstates'
export const receiptsNamespace = 'urn:xmpp:receipts'
export const markersNamespace = 'urn:xmpp:chat-markers:0'
export const channelBindingNamespace = 'urn:xmpp:sasl-cb:0'
export const managementNamespace = 'urn:xmpp:sm:3'
export const clientStatesNamespace = 'urn:xmpp:csi:0'
export const streamLimitsNamespace = 'urn:xmpp:stream-limits:0'
export const framingNamespace = 'urn:ietf:params:xml:ns:xmpp-framing'
/** Our own: MIME content octet for octet, base64. */
export const contentNamespace = 'urn:verona:content:0'

/** What our own stream header declares: in force wherever we write to a client. */
export const clientStream = new Namespaces([
  ['', clientNamespace],
  ['stream', streamNamespace],
])
