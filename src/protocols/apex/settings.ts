// The settings of this protocol, each defined once: the table [apex].

import { flag, integer, listen, octets, type SettingsOf, seconds, section } from '#config'
import { beepSettings } from '#protocols/beep'

export const settings = section('apex', 'APEX on BEEP (RFC 3340 to 3343; docs/specs/apex.md).', {
  edge: listen({
    doc: 'Where applications attach (apex-edge, TCP, registered port 913; TLS by the BEEP profile).',
    builtIn: '127.0.0.1:7913',
  }),
  mesh: listen({
    doc: 'Where relays of other domains connect (apex-mesh, TCP, registered port 912; TLS, both certificates).',
    serves: 'domains',
  }),
  plainWithoutTls: flag({
    default: false,
    doc: 'Whether PLAIN may be used without TLS; true only on loopback, for load generators and laboratories.',
  }),
  holdAlways: flag({
    default: true,
    doc: 'Whether data for a person who is away is held as if it had the option hold4Endpoint; false: only where it has.',
  }),
  reports: flag({
    default: true,
    doc: 'Whether statusRequest and the reports of dataTiming and dataHopping are answered: they show what lies behind this relay.',
  }),
  attachmentsMax: integer({
    default: 32,
    min: 1,
    max: 10_000,
    doc: 'Endpoints that one BEEP session may be attached as (554).',
  }),
  responseSeconds: seconds({
    default: 30,
    min: 1,
    max: 3600,
    doc: 'How long an application may take to answer data; data without an answer counts as not delivered.',
  }),
  okSeconds: seconds({
    default: 5,
    min: 1,
    max: 3600,
    doc: 'How long `ok` to data waits for what becomes of it; then the data is put on the disk where it is under way, and `ok` is said.',
  }),
  subscriptionSecondsMax: seconds({
    default: 86_400,
    min: 60,
    max: 2_592_000,
    doc: 'The longest duration of a subscribe or watch operation; a longer one ends earlier, by terminate.',
  }),
  subscriptionsMax: integer({
    default: 500,
    min: 1,
    max: 100_000,
    doc: 'Subscribe and watch operations that one endpoint may have in progress (554).',
  }),
  domainResponseSeconds: seconds({
    default: 60,
    min: 1,
    max: 3600,
    doc: 'How long a relay of another domain may take to answer data; its session is ended then. Longer than response_seconds: it may wait for its application.',
  }),
  domainReportSeconds: seconds({
    default: 5,
    min: 1,
    max: 600,
    doc: 'How long the report of another domain on a message of another protocol is waited for, once its relay has taken it.',
  }),
  domainIdleSeconds: seconds({
    default: 300,
    min: 5,
    max: 86_400,
    doc: 'After how long without use a session with a relay of another domain is ended.',
  }),
  domainChannels: integer({
    default: 4,
    min: 1,
    max: 64,
    doc: 'Channels of a session with a relay of another domain: what one application there answers late holds up the answers of its channel alone.',
  }),
  domainQueuedMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Data for one other domain that may be under way or wait for a session; past it messages wait on the disk.',
  }),
  domainQueuedOctetsMax: octets({
    default: 67_108_864,
    min: 65_536,
    max: 1_073_741_824,
    doc: 'The octets of it.',
  }),
  domainAnswersSeconds: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'How long it is remembered which data of other relays was taken, so that what comes again is seen once.',
  }),
  domainAnswersMax: integer({
    default: 100_000,
    min: 100,
    max: 1_000_000,
    doc: 'Data of other relays that is remembered so.',
  }),
  domainLeaseSeconds: seconds({
    default: 3600,
    min: 60,
    max: 604_800,
    doc: 'The duration that subscriptions to people of other domains are asked for; they are renewed as long as somebody here looks.',
  }),
  domainSubscriptionsMax: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    doc: 'Subscribe operations that the people of one other domain may have in progress here (554).',
  }),
  domainConnectionsMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Connections of other relays to apex.mesh; more are refused.',
  }),
  domainStrangersPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 100_000,
    doc: 'Of them, those from one address that have not bound yet (an IPv6 /64 counts as one).',
  }),
  ...beepSettings,
})

export type ApexSettings = SettingsOf<typeof settings>
