// The elements of stream management (XEP-0198), complete but for SASL2, and of client states (XEP-0352): none of them is a stanza, none is
// counted.
import { elementOf, escapeValue, type Frame } from '#wire/xml'
import {
  clientStatesNamespace,
  managementNamespace,
  stanzaErrorsNamespace,
  streamErrorsNamespace,
} from './namespaces.ts'
import type { StanzaCondition } from './stanza-error.ts'

/** What a client says beside its stanzas. */
export type Unstanza =
  | { readonly kind: 'enable'; readonly resume: boolean; readonly seconds: number | undefined }
  | { readonly kind: 'resume'; readonly previous: string; readonly h: number }
  | { readonly kind: 'request' }
  | { readonly kind: 'acknowledgement'; readonly h: number }
  | { readonly kind: 'active' }
  | { readonly kind: 'inactive' }
  /** One of the two namespaces, and not as its schema has it. */
  | { readonly kind: 'malformed' }

/** Undefined when it is of another namespace. */
export function unstanzaOf(frame: Frame): Unstanza | undefined {
  if (frame.namespace === clientStatesNamespace)
    return frame.name === 'active' || frame.name === 'inactive' ? { kind: frame.name } : malformed
  if (frame.namespace !== managementNamespace) return undefined
  const element = elementOf(frame)
  const h = countOf(element.attribute('h'))
  switch (frame.name) {
    case 'r':
      return { kind: 'request' }
    case 'a':
      return h === undefined ? malformed : { kind: 'acknowledgement', h }
    case 'enable':
      return {
        kind: 'enable',
        resume: isTrue(element.attribute('resume')),
        seconds: countOf(element.attribute('max')),
      }
    case 'resume': {
      const previous = element.attribute('previd')
      return h === undefined || previous === undefined ? malformed : { kind: 'resume', previous, h }
    }
    default:
      return malformed
  }
}

/** What a receiving server answers. */
export type ManagementAnswer =
  | { readonly kind: 'enabled'; readonly id: string | undefined; readonly seconds: number | undefined }
  | { readonly kind: 'resumed'; readonly h: number }
  | { readonly kind: 'failed'; readonly h: number | undefined }

/** Undefined when it is something else. */
export function managementAnswerOf(frame: Frame): ManagementAnswer | undefined {
  if (frame.namespace !== managementNamespace) return undefined
  const element = elementOf(frame)
  const h = countOf(element.attribute('h'))
  switch (frame.name) {
    case 'enabled': {
      const id = isTrue(element.attribute('resume')) ? element.attribute('id') : undefined
      return { kind: 'enabled', id, seconds: countOf(element.attribute('max')) }
    }
    case 'resumed':
      return h === undefined ? { kind: 'failed', h: undefined } : { kind: 'resumed', h }
    case 'failed':
      return { kind: 'failed', h }
    default:
      return undefined
  }
}

/** From whom asks: to count, and to be resumed. */
export const enableText = `<enable xmlns='${managementNamespace}' resume='true'/>`

export function resumeText(id: string, h: number): string {
  return `<resume xmlns='${managementNamespace}' previd='${escapeValue(id)}' h='${h}'/>`
}

const malformed: Unstanza = { kind: 'malformed' }

/** XML Schema Part 2 §3.2.2.1: the two ways to write `true`. */
function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1'
}

/** An xs:unsignedInt; undefined when it is none. */
function countOf(value: string | undefined): number | undefined {
  if (value === undefined || !/^\s*\+?[0-9]{1,20}\s*$/.test(value)) return undefined
  const count = Number(value)
  return count <= 0xffffffff ? count : undefined
}

export const requestText = `<r xmlns='${managementNamespace}'/>`

export function acknowledgementText(h: number): string {
  return `<a xmlns='${managementNamespace}' h='${h}'/>`
}

/** @param location where the client should come back, as RFC 6120 §4.9.3.19 writes it */
export function enabledText(
  resumable: { readonly id: string; readonly seconds: number } | undefined,
  location?: string,
) {
  if (resumable === undefined) return `<enabled xmlns='${managementNamespace}'/>`
  // `max` is a positive number; what is not awaited is told for as little as there is.
  const most = Math.max(1, resumable.seconds)
  const where = location === undefined ? '' : ` location='${escapeValue(location)}'`
  return `<enabled xmlns='${managementNamespace}' id='${resumable.id}' resume='true' max='${most}'${where}/>`
}

export function resumedText(id: string, h: number): string {
  return `<resumed xmlns='${managementNamespace}' previd='${id}' h='${h}'/>`
}

/** @param h where the session is known, how far it was read (XEP-0198 §5) */
export function failedText(condition: StanzaCondition, h?: number): string {
  const count = h === undefined ? '' : ` h='${h}'`
  return `<failed xmlns='${managementNamespace}'${count}><${condition} xmlns='${stanzaErrorsNamespace}'/></failed>`
}

/** XEP-0198 §6: what stands beside `undefined-condition`. */
export function handledTooHighText(h: number, sent: number): string {
  return (
    `<text xmlns='${streamErrorsNamespace}' xml:lang='en'>You acknowledged ${h} stanzas, but I only sent you ${sent} so far.</text>` +
    `<handled-count-too-high xmlns='${managementNamespace}' h='${h}' send-count='${sent}'/>`
  )
}

/** What stands beside the `policy-violation` of one who never acknowledges. */
export const tooMuchText = `<text xmlns='${streamErrorsNamespace}' xml:lang='en'>You left too many stanzas unacknowledged.</text>`
