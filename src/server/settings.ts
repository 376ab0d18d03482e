// The server's own settings; a protocol's are beside its code.
import {
  choice,
  flag,
  integer,
  listen,
  optionalList,
  optionalPath,
  path,
  requiredText,
  section,
  tables,
} from '#config'
import { prepareDomain } from '#model'
import { logLevels } from '#observe'

export const mainSettings = section('', 'What the server is for, and where it keeps its state.', {
  data: path({
    doc: 'Directory of everything the server keeps: the database, its own certificates, the control socket.',
    default: './data',
  }),
  domains: optionalList({
    doc: 'The domains that are served; the first is the default. A [[domain]] table adds one and says more of it. With neither: localhost.',
    check: (names) =>
      names.length === 0
        ? 'names no domain; write one, as in ["example.com"], or leave it out'
        : names.map(notDomain).find((wrong) => wrong !== undefined),
  }),
  domain: tables(
    {
      name: requiredText({ doc: 'The domain.', check: notDomain }),
      certificate: optionalPath({
        doc: 'PEM file: the certificate, then its chain. Without it, the domain is in the certificate that the server makes itself.',
      }),
      key: optionalPath({ doc: 'PEM file of the private key.' }),
      policy: choice(['default', 'confirm', 'open'], {
        doc: 'Whether people of this domain see each other at once (open) or by the word of the one watched (confirm); default: as [presence] confirm_same_domain says.',
        default: 'default',
      }),
    },
    { doc: 'A domain with settings of its own.' },
  ),
})

function notDomain(name: string): string | undefined {
  return prepareDomain(name) === undefined ? `${JSON.stringify(name)} is not a domain name` : undefined
}

export const httpSettings = section('http', 'Metrics and health over HTTP.', {
  listen: listen({ doc: 'Where /metrics and /health are served.', builtIn: '127.0.0.1:8080' }),
})

export const historySettings = section('history', 'The one history of all protocols.', {
  enabled: flag({ doc: 'Whether messages are kept after their delivery.', default: true }),
  retentionDays: integer({
    doc: 'Days that delivered messages are kept; 0 keeps them for ever.',
    default: 0,
    min: 0,
    max: 36_500,
  }),
  undeliveredMax: integer({
    doc: 'Messages that may wait for one absent person; past it their senders are told that the mailbox is full.',
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
})

export const presenceSettings = section('presence', 'Who may watch whom.', {
  confirmSameDomain: flag({
    doc: 'Whether a watcher of the same domain needs the word of the person watched. False lets colleagues see each other at once.',
    default: true,
  }),
})

export const authSettings = section('auth', 'How people log in.', {
  scramIterations: integer({
    doc: 'PBKDF2 iterations of the SCRAM verifiers of passwords that are set from now on (RFC 7677 §4 asks for 4096 or more).',
    default: 10_000,
    min: 4096,
    max: 10_000_000,
  }),
  md5Digest: flag({
    doc: 'Whether SIP phones may log in with MD5 Digest; many know nothing better. False keeps no MD5 secrets of new passwords.',
    default: true,
  }),
})

export const logSettings = section('log', 'What the server says about itself.', {
  level: choice(logLevels, { doc: 'The least grave lines that are written.', default: 'info' }),
  format: choice(['auto', 'text', 'json'], {
    doc: 'How lines are written; auto: text on a terminal, else JSON.',
    default: 'auto',
  }),
})

export const serverSections = [
  mainSettings,
  httpSettings,
  historySettings,
  presenceSettings,
  authSettings,
  logSettings,
] as const
