// The certificates that the domains are served with: the operator's where they are named, else of our own making.
import { join } from 'node:path'
import type { Clock, Timer } from '#base'
import type { Config } from '#config'
import { type CertificateFiles, ensureCertificates, type OwnCertificates, TlsContexts } from '#net'
import type { Log } from '#observe'
import { tableOf } from './configuration.ts'
import { peersSettings } from './peer-settings.ts'
import { mainSettings } from './settings.ts'

export interface Certificates {
  readonly tls: TlsContexts
  /** Stops looking after them. */
  stop(): void
  /** What clients are given to trust us; undefined when every domain has a certificate of the operator's. */
  readonly authorityFile: string | undefined
}

const lookSeconds = 60
const warningDays = 14
const day = 24 * 3600 * 1000

/** @throws TlsFileError when a file can't be used */
export async function prepareCertificates(
  config: Config,
  domains: readonly string[],
  clock: Clock,
  log: Log,
): Promise<Certificates> {
  const { data, domain } = config.of(mainSettings)
  const named = domain.flatMap(({ certificate, key }): CertificateFiles[] =>
    certificate === undefined || key === undefined ? [] : [{ certificate, key }],
  )
  const allNamed = domains.every((name) => tableOf(config, name)?.certificate !== undefined)
  const own = allNamed ? undefined : await makeOwn(join(data, 'tls'), domains, clock, log)
  const certificates = [...named]
  if (own !== undefined) certificates.push({ certificate: own.certificateFile, key: own.keyFile })
  const { trust } = config.of(peersSettings)
  const tls = new TlsContexts({ certificates, ...(trust !== undefined && { trust: [trust] }) })
  warnOfAge(tls, clock, log)
  tls.watch(clock, lookSeconds, (error) => {
    if (error !== undefined)
      return log.error('a changed certificate cannot be used; the old one stays', { error })
    log.info('read the certificates again')
    warnOfAge(tls, clock, log)
  })
  const renewal = own === undefined ? undefined : renewDaily(join(data, 'tls'), domains, clock, log)
  const stop = (): void => {
    tls.stopWatching()
    renewal?.()
  }
  return { tls, authorityFile: own?.authorityFile, stop }
}

/** A certificate that has run out is served all the same: an operator's clients may know it, and a refusal helps nobody. */
function warnOfAge({ certificates }: TlsContexts, clock: Clock, log: Log): void {
  for (const { file, notAfter } of certificates) {
    const days = Math.floor((notAfter - clock.now()) / day)
    if (days >= warningDays) continue
    const until = new Date(notAfter).toISOString()
    if (days < 0)
      log.error('a certificate has expired: clients will refuse it; put a new one in its place', {
        file,
        until,
      })
    else log.warn('a certificate expires soon', { file, until, days })
  }
}

async function makeOwn(
  directory: string,
  domains: readonly string[],
  clock: Clock,
  log: Log,
): Promise<OwnCertificates> {
  const own = await ensureCertificates(directory, domains, clock)
  if (own.made !== 'nothing') {
    log.info('made certificates of our own', { made: own.made, because: own.why, trust: own.authorityFile })
  }
  return own
}

/** A server that runs for a year renews its own certificate on the way; the watch of the files takes it up. */
function renewDaily(directory: string, domains: readonly string[], clock: Clock, log: Log): () => void {
  let timer: Timer
  const renew = (): void => {
    timer = clock.schedule(day, renew)
    makeOwn(directory, domains, clock, log).catch((error: unknown) =>
      log.error('the certificate of our own could not be renewed', { error }),
    )
  }
  timer = clock.schedule(day, renew)
  return () => timer.cancel()
}
