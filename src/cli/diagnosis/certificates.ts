// The certificates of the domains: there, readable, fitting their keys, covering their domains, valid for a while.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, good, notice, trouble } from './finding.ts'

export interface DomainCertificate {
  readonly domain: string
  readonly certificate: string | undefined
  readonly key: string | undefined
}

const day = 24 * 3600 * 1000
/** A certificate with fewer days left should have been replaced by now. */
const renewDays = 14

/** @param now milliseconds since the epoch */
export function findCertificates(
  domains: readonly DomainCertificate[],
  data: string,
  now: number,
): Finding[] {
  return domains.map(({ domain, certificate, key }) => {
    const about = `certificate of ${domain}`
    if (certificate === undefined && key === undefined) return ofOurOwn(about, domain, data, now)
    if (certificate === undefined || key === undefined) {
      return trouble(
        about,
        'certificate and key are not both named',
        `name both in the [[domain]] table of ${domain}`,
      )
    }
    return judge(about, domain, certificate, key, now, 'have it renewed, and put the new one in its place')
  })
}

function ofOurOwn(about: string, domain: string, data: string, now: number): Finding {
  const directory = join(data, 'tls')
  const certificate = join(directory, 'server.crt')
  if (!existsSync(certificate)) return good(about, 'will be made by the server at its start')
  const remedy = 'restart the server: it makes a new one'
  const found = judge(about, domain, certificate, join(directory, 'server.key'), now, remedy)
  if (found.state !== 'good') return found
  return good(about, `${found.what}; of our own making, clients must be given ${join(directory, 'ca.crt')}`)
}

function judge(
  about: string,
  domain: string,
  file: string,
  key: string,
  now: number,
  renewal: string,
): Finding {
  const read = readPair(file, key)
  if ('wrong' in read) return trouble(about, read.wrong, 'put a PEM file there that this user can read')
  const { certificate } = read
  if (!certificate.checkPrivateKey(read.key)) {
    return trouble(
      about,
      `${key} is not the key of ${file}`,
      'name the key that the certificate was made for',
    )
  }
  if (certificate.checkHost(domain) === undefined) {
    const names = certificate.subjectAltName ?? 'no name'
    return trouble(about, `${file} is for ${names}, not for ${domain}`, `get one that names ${domain}`)
  }
  const from = certificate.validFromDate.getTime()
  if (from > now) return trouble(about, `valid only from ${date(from)}`, 'look whether the clock is right')
  const end = certificate.validToDate.getTime()
  if (end <= now) return trouble(about, `ran out on ${date(end)}`, renewal)
  const days = Math.floor((end - now) / day)
  if (days < renewDays) return notice(about, `runs out in ${days} days, on ${date(end)}`, renewal)
  return good(about, `valid until ${date(end)}`)
}

function readPair(file: string, keyFile: string) {
  let reading = file
  try {
    const certificate = new X509Certificate(readFileSync(file))
    reading = keyFile
    return { certificate, key: createPrivateKey(readFileSync(keyFile)) }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const reason =
      code === 'ENOENT' ? 'is not there' : code === 'EACCES' ? 'may not be read by this user' : 'is not PEM'
    return { wrong: `${reading} ${reason}` }
  }
}

function date(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10)
}
