// The certificates that the domains are served with: the operator's where they are named, else of our own making.
import { join } from 'node:path'
import type { Clock } from '#base'
import type { Config } from '#config'
import { type CertificateFiles, ensureCertificates, TlsContexts } from '#net'
import type { Log } from '#observe'
import { mainSettings } from './settings.ts'

export interface Certificates {
  readonly tls: TlsContexts
  /** What clients are given to trust us; undefined when every domain has a certificate of the operator's. */
  readonly authorityFile: string | undefined
}

const lookSeconds = 60

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
  const allNamed = domains.every((name) =>
    domain.some((table) => table.name === name && table.certificate !== undefined && table.key !== undefined),
  )
  const own = allNamed ? undefined : await ensureCertificates(join(data, 'tls'), domains, clock)
  if (own !== undefined && own.made !== 'nothing') {
    log.info('made certificates of our own', { made: own.made, because: own.why, trust: own.authorityFile })
  }
  const certificates = [...named]
  if (own !== undefined) certificates.push({ certificate: own.certificateFile, key: own.keyFile })
  const tls = new TlsContexts({ certificates })
  tls.watch(clock, lookSeconds, (error) => {
    if (error === undefined) log.info('read the certificates again')
    else log.error('a changed certificate cannot be used; the old one stays', { error })
  })
  return { tls, authorityFile: own?.authorityFile }
}
