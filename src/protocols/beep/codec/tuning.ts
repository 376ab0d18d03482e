// The messages of the tuning profiles: TLS (RFC 3080 §3.1, §7.2) and the SASL family (§4.1, §7.3).

import { type Bytes, noBytes, utf8 } from '#base'
import { decodeBase64, encodeBase64 } from '#wire/mime'
import type { Element } from '#wire/xml'
import { isBeepError, readElement, readError, shapeFault } from './beep-xml.ts'
import { type BeepError, beepError } from './reply-codes.ts'

export const tlsProfile = 'http://iana.org/beep/TLS'
export const saslProfile = 'http://iana.org/beep/SASL/'

/** §4.1.3. */
export type BlobStatus = 'continue' | 'abort' | 'complete'

export type TuningMessage =
  | { readonly kind: 'ready'; readonly version: string }
  | { readonly kind: 'proceed' }
  | { readonly kind: 'blob'; readonly status: BlobStatus; readonly data: Bytes }
  | { readonly kind: 'error'; readonly error: BeepError }

/** Reads what a tuning channel or a `profile` element carries; otherwise what is wrong with it, as an error to answer with. */
export function readTuning(content: Bytes): TuningMessage | BeepError {
  const element = readElement(content)
  return isBeepError(element) ? element : tuningOf(element)
}

export function tuningOf(element: Element): TuningMessage | BeepError {
  const shape = shapeFault(element)
  if (shape !== undefined) return beepError(501, shape)
  switch (element.name) {
    case 'ready':
      return { kind: 'ready', version: element.attribute('version') ?? '1' }
    case 'proceed':
      return { kind: 'proceed' }
    case 'blob':
      return readBlob(element)
    case 'error': {
      const error = readError(element)
      return error === undefined
        ? beepError(501, 'code attribute poorly formed in <error> element')
        : { kind: 'error', error }
    }
    default:
      return beepError(501, `unexpected element <${element.name}>`)
  }
}

function readBlob(element: Element): TuningMessage | BeepError {
  const status = element.attribute('status') ?? 'continue'
  if (status !== 'continue' && status !== 'abort' && status !== 'complete')
    return beepError(501, 'status attribute poorly formed in <blob> element')
  const data = decodeBase64(utf8(element.text()))
  if (data === undefined) return beepError(501, 'content of <blob> element is not base64')
  return { kind: 'blob', status, data }
}

/** Without line ends: it stands in a CDATA section or, with one behind it, in a payload. */
export function blobText(status: BlobStatus, data: Bytes = noBytes): string {
  const attribute = status === 'continue' ? '' : ` status='${status}'`
  return data.length === 0 ? `<blob${attribute} />` : `<blob${attribute}>${encodeBase64(data)}</blob>`
}

export function readyText(version?: string): string {
  return version === undefined ? '<ready />' : `<ready version='${version}' />`
}

export const proceedText = '<proceed />'
