// Puts the abstract service together with the concrete store and authentication. Used by the server, and by the command line
// when no server runs.
import {
  BackOff,
  Derivation,
  Digest,
  type LoginEvent,
  type Logins,
  PersonCertificates,
  Sasl,
  StoreAuthenticator,
  serverKeyOf,
} from '#auth'
import type { Clock } from '#base'
import { createPeers, createService, type DigestHash, type Secrets, type Service, type Store } from '#core'
import { type Address, TimeZone } from '#model'
import { readAuthorities } from '#net'
import type { Log, Metrics } from '#observe'
import { readCpl } from '#wire/cpl'
import { type Configuration, tableOf } from './configuration.ts'
import { PeerBook } from './peer-book.ts'
import { peersSettings, relayPolicyOf } from './peer-settings.ts'
import { authSettings, historySettings, presenceSettings } from './settings.ts'

export interface Assembly {
  readonly service: Service
  readonly peerBook: PeerBook
  readonly logins: Logins
}

const utc = TimeZone.named('UTC') as TimeZone

export interface AssemblyParts {
  readonly configuration: Configuration
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly store: Store
}

export async function assemble(parts: AssemblyParts): Promise<Assembly> {
  const { configuration, clock, log, metrics, store } = parts
  const { config, protocols, domains } = configuration
  const auth = config.of(authSettings)
  const { scramIterations: iterations, scram, md5Digest, personAuthorities, saslDigestMd5 } = auth
  const digests: readonly DigestHash[] = md5Digest ? ['SHA-256', 'MD5'] : ['SHA-256']
  const { enabled, undeliveredMax } = config.of(historySettings)
  const byName = new Map(protocols.map((protocol) => [protocol.name, protocol]))
  const authenticator = new StoreAuthenticator(store)
  const passwords = new Derivation({ iterations, digests })
  const peerBook = new PeerBook({
    config,
    store,
    protocols: protocols.map(({ name }) => name),
  })
  // RFC 3880 §4.4: times without a zone are "in the local timezone of the CPL server".
  const localZone = TimeZone.named(new Intl.DateTimeFormat().resolvedOptions().timeZone) ?? utc
  await peerBook.load((domain, why) =>
    log.warn('what was set for another domain is left out', { domain, why }),
  )
  const service = createService({
    clock,
    log,
    metrics,
    store,
    peers: createPeers({
      ...peerBook.table,
      clock,
      fault: (error, what) => log.error(what, { error }),
    }),
    domains,
    authenticator,
    passwords,
    policy: {
      history: enabled,
      undeliveredMax,
      ...config.of(presenceSettings),
      confirmIn: domainPolicies(configuration),
      relay: relayPolicyOf(config),
      asksPerSecondMax: config.of(peersSettings).asksPerSecondMax,
    },
    readScript: (document) => readCpl(document, localZone),
    revive: (unit) => byName.get(unit.head.protocol)?.revive(unit.head, unit.raw),
  })
  const shared = {
    authenticator,
    backOff: new BackOff(clock),
    serverKey: await serverKeyOf(store),
    onLogin: loginObserver(log, metrics),
  }
  const sasl = new Sasl({
    ...shared,
    iterations,
    digestMd5: md5Digest && saslDigestMd5,
    ...(scram ? {} : { scram: [] }),
    ...(personAuthorities !== undefined && {
      persons: new PersonCertificates(readAuthorities(personAuthorities), () => clock.now()),
    }),
    onPassword: (owner, secrets, password) =>
      void completeSecrets(service, passwords, owner, secrets, password),
  })
  // RFC 3261 §22.4 (8): a client older than qop is still served.
  const digest = new Digest({ ...shared, clock, algorithms: digests, withoutQop: true })
  service.accounts.onSecretsChanged = (owner) => digest.forget(owner)
  return { service, peerBook, logins: { sasl, digest } }
}

/** The `policy` of each [[domain]] that has one. */
function domainPolicies({ config, domains }: Configuration): ReadonlyMap<string, boolean> {
  const policies = new Map<string, boolean>()
  for (const name of domains) {
    const policy = tableOf(config, name)?.policy ?? 'default'
    if (policy !== 'default') policies.set(name, policy === 'confirm')
  }
  return policies
}

function loginObserver(log: Log, metrics: Metrics): (event: LoginEvent) => void {
  const tried = metrics.counterFamily({
    name: 'verona_logins',
    help: 'Attempts to log in, by mechanism and result.',
    labels: ['mechanism', 'result'],
  })
  return ({ mechanism, result, cause, ...fields }) => {
    tried.with(mechanism, result).add()
    if (result === 'fault') log.error('a login could not be decided', { mechanism, error: cause, ...fields })
    else log.debug('login', { mechanism, result, ...fields })
  }
}

/** An account imported with one kind of secret is completed at its first login that shows the password. */
async function completeSecrets(
  service: Service,
  passwords: Derivation,
  owner: Address,
  secrets: Secrets,
  password: string,
): Promise<void> {
  try {
    const record = await service.store.account(owner)
    if (record === undefined || passwords.isComplete([record.address, ...record.aliases], secrets)) return
    await service.accounts.setPassword(owner, password)
  } catch (error) {
    service.log.error('secrets could not be completed', { error, account: owner.key })
  }
}
