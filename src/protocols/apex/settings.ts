// The settings of this protocol, each defined once: the table [apex].

import { flag, integer, listen, type SettingsOf, seconds, section } from '#config'
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
  ...beepSettings,
})

export type ApexSettings = SettingsOf<typeof settings>
