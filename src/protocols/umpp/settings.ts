// The settings of UMPP, each defined once.

import { choice, flag, integer, optionalList, optionalText, type SettingsOf, seconds, section } from '#config'

export const umppSettings = section(
  'umpp',
  'UMPP with other domains: sessions and presence by SIP, messages by XMPP. It needs [sip] tls with other_domains, and [xmpp] server.',
  {
    on: flag({ default: false, doc: 'Whether UMPP is spoken with other domains.' }),
    host: optionalText({
      doc: 'The name or address that session descriptions give for our XMPP server; left out, the domain itself, which must have an address then.',
    }),
    port: integer({
      default: 0,
      min: 0,
      max: 65_535,
      doc: 'The port that they give; 0: that of [xmpp] server.',
    }),
    idleSeconds: seconds({
      default: 600,
      min: 10,
      max: 86_400,
      doc: 'A session in which nothing was said for so long is ended.',
    }),
    answerSeconds: seconds({
      default: 30,
      min: 1,
      max: 180,
      doc: 'How long an offered session may stay unanswered; its messages are refused then.',
    }),
    queuedMax: integer({
      default: 100,
      min: 1,
      max: 10_000,
      doc: 'Messages of one session that may wait for its answer; past it their senders are refused.',
    }),
    sessionsMax: integer({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      doc: 'Sessions with one other domain; past it new ones are refused.',
    }),
    sessionsOfPersonMax: integer({
      default: 200,
      min: 8,
      max: 100_000,
      doc: 'Sessions of one person here at a time; past it the one that was silent longest is ended for a new one.',
    }),
    otherwise: choice(['refuse', 'xmpp'], {
      default: 'refuse',
      doc: 'What becomes of messages whose session the other domain will not have (488 and the like): refuse, their senders are told; xmpp, they go by XMPP without a session.',
    }),
    privatePeers: optionalList({
      doc: "Domains whose session descriptions may lead to addresses of private networks and of this machine; others' may not.",
    }),
  },
)

export type UmppSettings = SettingsOf<typeof umppSettings>
