// The certificates of a PEM file.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { TlsFileError } from './tls-context.ts'

/** All that are in it. @throws TlsFileError when it can't be read, or holds none */
export function readAuthorities(file: string): X509Certificate[] {
  try {
    const blocks = readFileSync(file, 'utf8').match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
    )
    if (blocks === null) throw new Error('there is no certificate in it')
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new TlsFileError(`${file} cannot be used: ${why}`, error)
  }
}
