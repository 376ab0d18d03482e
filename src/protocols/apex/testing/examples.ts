// The examples of RFC 3340 to 3343 (testdata/): what each says, as plain data, apart from how it is written.

import { readFileSync } from 'node:fs'
import { text, utf8 } from '#base'
import { beepXmlType } from '#protocols/beep'
import { HeaderLines, mimeHeaderRules, scanHeaderLines } from '#wire/header-lines'
import { type Element, isXmlFault, parseElement } from '#wire/xml'
import {
  type ApexOption,
  dataHoppingOf,
  dataTimingOf,
  isRefusal,
  type Party,
  type Payload,
  partContent,
  partOf,
  readAccessEntry,
  readMessage,
  readPayload,
  readPresence,
  readServiceMessage,
} from '../codec/index.ts'

export interface Example {
  readonly section: string
  /** C, S, or `-` for what stands in no dialogue. */
  readonly who: string
  /** As it is on the wire: lines end with CR LF. */
  readonly octets: Uint8Array
}

export const rfcs = ['rfc3340', 'rfc3341', 'rfc3342', 'rfc3343']

export function readExamples(rfc: string): Example[] {
  const file = readFileSync(new URL(`../testdata/${rfc}.txt`, import.meta.url), 'utf8')
  return file
    .split(/^## /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...lines] = block.trimEnd().split('\n')
      const [section = '', who = ''] = head.split(' ')
      return { section, who, octets: utf8(`${lines.join('\r\n')}\r\n`) }
    })
}

/** The payload of a frame, or the octets as a document. */
export function payloadOf(octets: Uint8Array): Payload | { readonly code: number } {
  const written = text(octets)
  const framed = /^MSG [^\r]*\r\n([\s\S]*)END\r\n$/.exec(written)?.[1]
  if (framed === undefined) {
    const headers = scanHeaderLines(utf8('\r\n'), 0, 2, mimeHeaderRules) as HeaderLines
    // What rides in a start is in its CDATA.
    const inside = /^<start [\s\S]*<!\[CDATA\[([\s\S]*)\]\]>/.exec(written)?.[1]
    return readPayload({ contentType: beepXmlType, headers, body: inside ? utf8(inside) : octets })
  }
  const payload = utf8(framed)
  const headers = scanHeaderLines(payload, 0, payload.length, mimeHeaderRules)
  if (!(headers instanceof HeaderLines)) return { code: 500 }
  return readPayload({
    contentType: headers.get('content-type') ?? '',
    headers,
    body: payload.subarray(headers.end),
  })
}

/** What it says, or the code it would be refused with. */
export function saidBy(octets: Uint8Array): unknown {
  const payload = payloadOf(octets)
  if (!('body' in payload)) return { refused: payload.code }
  const message = readMessage(payload.body.subarray(payload.control.start, payload.control.end))
  if (isRefusal(message)) return elementSaid(octets) ?? { refused: message.code }
  switch (message.kind) {
    case 'attach':
      return { ...message, endpoint: message.endpoint.written, options: message.options.map(optionSaid) }
    case 'bind':
      return { ...message, options: message.options.map(optionSaid) }
    case 'data': {
      const part = partOf(payload, message.content)
      return {
        kind: 'data',
        content: message.content,
        originator: partySaid(message.originator),
        recipients: message.recipients.map(partySaid),
        options: message.options.map(optionSaid),
        ...(message.inline && { inline: serviceSaid(message.inline) }),
        ...(part && {
          part: {
            type: part.headers.get('content-type'),
            body: text(partContent(part) ?? new Uint8Array(0)),
          },
        }),
      }
    }
    default:
      return message
  }
}

/** Elements that stand alone in the text, several after each other too. */
function elementSaid(octets: Uint8Array): unknown {
  const written = text(octets)
  if (/^<(start|data) /.test(written) || written.startsWith('MSG ')) return undefined
  const root = parseElement(utf8(`<all>${written}</all>`))
  if (isXmlFault(root)) return undefined
  return root.elements().map((each) => readAccessEntry(each) ?? serviceSaid(each))
}

function partySaid({ identity, options }: Party): unknown {
  return options.length === 0
    ? identity.written
    : { identity: identity.written, options: options.map(optionSaid) }
}

function optionSaid({ element, ...option }: ApexOption): unknown {
  const whole = { ...option, element }
  return { ...option, timing: dataTimingOf(whole), hopping: dataHoppingOf(whole) }
}

function serviceSaid(element: Element): unknown {
  const said = readServiceMessage(element)
  return said.kind === 'publish' ? { ...said, presence: readPresence(said.presence) } : said
}
