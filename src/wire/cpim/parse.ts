// Message/CPIM in (RFC 3862). Complete; strict as §2.2 is, since what is signed must be read one way only.

import type { Bytes } from '#base'
import type { LanguageText } from '#model'
import { HeaderLines, type HeaderRules, scanHeaderLines } from '#wire/header-lines'
import { type MimeEntity, parseEntity } from '#wire/mime'
import {
  type CpimAddress,
  type CpimCondition,
  type CpimFault,
  type CpimHeader,
  type CpimMessage,
  type CpimName,
  cpimNamespace,
} from './cpim-message.ts'
import { unescaped } from './escapes.ts'

/** LIMIT: §2.2 wants no limit on a line, so only the block has one. */
const rules: HeaderRules = {
  folding: false,
  bareLineFeed: false,
  trim: false,
  utf8: true,
  fieldsMax: 100,
  lineOctetsMax: 65_536,
  blockOctetsMax: 65_536,
}

/** Reads a whole Message/CPIM object; `offset` of a fault counts from its beginning. */
export function parseCpim(bytes: Bytes): CpimMessage | CpimFault {
  const lines = scanHeaderLines(bytes, 0, bytes.length, rules)
  if (!(lines instanceof HeaderLines)) return lines
  const reading = new Reading()
  for (let index = 0; index < lines.length; index++) {
    const fault = reading.header(lines.name(index), lines.value(index))
    if (fault !== undefined) return { fault, offset: lines.offsets[index * 4] as number }
  }
  const encapsulated = bytes.subarray(lines.end)
  const entity = parseEntity(encapsulated)
  if ('fault' in entity) return { fault: entity.fault, offset: lines.end + entity.offset }
  // §2.4: "MUST include at least a Content-Type header".
  if (entity.headers.find('content-type') === -1) return { fault: 'no-content-type', offset: lines.end }
  return reading.message(encapsulated, entity)
}

const namePattern = /^[!#-'*+\-^-`|~A-Za-z0-9]+$/
const qualifiedPattern = /^(?:([!#-'*+\-^-`|~A-Za-z0-9]+)\.)?([!#-'*+\-^-`|~A-Za-z0-9]+)$/

/** One message being read: the namespaces declared so far, and what the headers said. */
class Reading {
  readonly #namespaces = new Map<string, string>([['', cpimNamespace]])
  readonly #headers: CpimHeader[] = []
  readonly #to: CpimAddress[] = []
  readonly #cc: CpimAddress[] = []
  readonly #subject: LanguageText[] = []
  readonly #require: CpimName[] = []
  #from: CpimAddress | undefined
  #dateTime: string | undefined

  message(encapsulated: Bytes, entity: MimeEntity): CpimMessage {
    return {
      headers: this.#headers,
      ...(this.#from && { from: this.#from }),
      to: this.#to,
      cc: this.#cc,
      ...(this.#dateTime !== undefined && { dateTime: this.#dateTime }),
      subject: this.#subject,
      require: this.#require,
      encapsulated,
      entity,
    }
  }

  header(written: string, rest: string): CpimCondition | undefined {
    if (rest.includes('\t')) return 'bad-character' // §2.2: no control characters
    const qualified = this.#qualified(written)
    if (typeof qualified === 'string') return qualified
    const parameters = new Map<string, string>()
    const value = takeParameters(rest, parameters)
    if (value === undefined) return 'bad-parameter'
    if (!value.startsWith(' ')) return 'no-space'
    const header: CpimHeader = { ...qualified, parameters, raw: value.slice(1) }
    this.#headers.push(header)
    return header.namespace === cpimNamespace ? this.#coreHeader(header) : undefined
  }

  #qualified(written: string): CpimName | CpimCondition {
    const match = qualifiedPattern.exec(written)
    if (match === null) return 'bad-header-name'
    const namespace = this.#namespaces.get(match[1] ?? '')
    // §3.4: "A namespace prefix declaration MUST precede any use of that prefix."
    return namespace === undefined ? 'undeclared-prefix' : { namespace, name: match[2] as string }
  }

  #coreHeader(header: CpimHeader): CpimCondition | undefined {
    switch (header.name) {
      case 'From':
        if (this.#from !== undefined) return 'repeated-header'
        this.#from = parseAddress(header.raw)
        return this.#from === undefined ? 'bad-address' : undefined
      case 'To':
        return this.#addAddress(this.#to, header.raw)
      case 'cc':
        return this.#addAddress(this.#cc, header.raw)
      case 'DateTime':
        if (this.#dateTime !== undefined) return 'repeated-header'
        this.#dateTime = header.raw
        return isDateTime(header.raw) ? undefined : 'bad-date-time'
      case 'Subject':
        this.#subject.push({ language: header.parameters.get('lang') ?? '', text: unescaped(header.raw) })
        return undefined
      case 'NS':
        return this.#declare(header.raw)
      case 'Require':
        return this.#addRequirements(header.raw)
      default:
        return undefined // §2.2: a header that is not recognised is ignored
    }
  }

  #addAddress(list: CpimAddress[], value: string): CpimCondition | undefined {
    const address = parseAddress(value)
    if (address === undefined) return 'bad-address'
    list.push(address)
    return undefined
  }

  #declare(value: string): CpimCondition | undefined {
    const match = /^(?:([^ <>]+) )?<([^<> ]+)>$/.exec(value)
    const prefix = match?.[1] ?? ''
    // §3.4: an absolute URI, no fragment.
    if (match === null || !/^[A-Za-z][A-Za-z0-9+.-]*:[^#]*$/.test(match[2] as string)) return 'bad-namespace'
    if (prefix !== '' && !namePattern.test(prefix)) return 'bad-namespace'
    this.#namespaces.set(prefix, match[2] as string)
    return undefined
  }

  #addRequirements(value: string): CpimCondition | undefined {
    for (const written of value.split(',')) {
      const name = this.#qualified(written.trim())
      if (typeof name === 'string') return name === 'undeclared-prefix' ? name : 'bad-require'
      this.#require.push(name)
    }
    return undefined
  }
}

const parameterPattern =
  /;([!#-'*+\-^-`|~A-Za-z0-9]+)=(?:"((?:[^"\\]|\\.)*)"|([^\u0000- ()<>@,;:\\"/[\]?={}]+))/sy

/** Puts the parameters before the value into `found`, and answers the rest (§3.6); undefined when one is malformed. */
function takeParameters(rest: string, found: Map<string, string>): string | undefined {
  let at = 0
  while (rest[at] === ';') {
    parameterPattern.lastIndex = at
    const match = parameterPattern.exec(rest)
    if (match === null || found.has(match[1] as string)) return undefined
    found.set(match[1] as string, match[2] === undefined ? (match[3] as string) : unescaped(match[2]))
    at = parameterPattern.lastIndex
  }
  return rest.slice(at)
}

/** `[ Formal-name ] "<" URI ">"` (§4.1). */
function parseAddress(value: string): CpimAddress | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)" ?<([^<>\s]+)>$/s.exec(value)
  if (quoted !== null) return { name: unescaped(quoted[1] as string), uri: quoted[2] as string }
  const plain = /^([^<>"]*)<([^<>\s]+)>$/.exec(value)
  return plain === null ? undefined : { name: unescaped(plain[1] as string).trim(), uri: plain[2] as string }
}

/** RFC 3339 §5.6. */
function isDateTime(value: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value.toUpperCase().replace(/:60/, ':59')))
  )
}
