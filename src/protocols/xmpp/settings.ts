// The settings of XMPP, each defined once.
import { flag, integer, listen, octets, type SettingsOf, seconds, section } from '#config'

export const xmppSettings = section('xmpp', 'XMPP clients and servers.', {
  client: listen({ builtIn: '127.0.0.1:5222', doc: 'Where XMPP clients connect and begin TLS by STARTTLS.' }),
  clientTls: listen({
    builtIn: '127.0.0.1:5223',
    doc: 'Where XMPP clients connect with TLS from the first octet.',
  }),
  server: listen({
    doc: 'Where XMPP servers of other domains connect. Not spoken yet: when it is set, a warning is logged.',
  }),
  plainWithoutTls: flag({
    default: false,
    doc: 'Let clients log in without TLS, by PLAIN too; only on loopback, for load generators and laboratories.',
  }),
  stanzaOctetsMax: octets({
    default: 262_144,
    min: 10_000,
    max: 16_777_216,
    doc: 'The largest stanza that is taken; a larger one ends its stream.',
  }),
  idleSeconds: seconds({
    default: 300,
    min: 10,
    max: 86_400,
    doc: 'How long a client may say nothing before its session ends; it is pinged at half of it.',
  }),
  negotiationSecondsMax: seconds({
    default: 60,
    min: 5,
    max: 600,
    doc: 'How long a client may take to log in and bind a resource.',
  }),
  loginFailuresMax: integer({
    default: 5,
    min: 2,
    max: 20,
    doc: 'Failed logins on one stream before it is closed.',
  }),
  directedPresenceMax: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    doc: 'How many addresses a session may have sent directed presence to; they are told when it ends.',
  }),
})

export type XmppSettings = SettingsOf<typeof xmppSettings>
