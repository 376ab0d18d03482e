// Message/CPIM out (RFC 3862 §2.2). The encapsulated object is copied octet for octet.

import { type Bytes, concat, utf8 } from '#base'
import type { LanguageText } from '#model'
import type { CpimAddress, CpimName } from './cpim-message.ts'
import { cpimNamespace } from './cpim-message.ts'
import { escaped, quotedString } from './escapes.ts'

export interface CpimHead {
  readonly from?: CpimAddress
  readonly to?: readonly CpimAddress[]
  readonly cc?: readonly CpimAddress[]
  readonly dateTime?: string
  readonly subject?: readonly LanguageText[]
  /** Headers of other namespaces, their values as meant (escapes are added). */
  readonly others?: readonly (CpimName & { readonly value: string })[]
  readonly require?: readonly CpimName[]
}

/**
 * The object with these headers around `encapsulated`, a whole MIME entity with its Content-Type.
 * @throws RangeError for a name, URI, language or date that would break its line.
 */
export function writeCpim(head: CpimHead, encapsulated: Bytes): Bytes {
  const prefixes = new Map([[cpimNamespace, '']])
  let lines = ''
  if (head.from) lines += `From: ${addressText(head.from)}\r\n`
  for (const to of head.to ?? []) lines += `To: ${addressText(to)}\r\n`
  for (const cc of head.cc ?? []) lines += `cc: ${addressText(cc)}\r\n`
  if (head.dateTime !== undefined) lines += `DateTime: ${plain(head.dateTime, /^[0-9TtZz:.+-]+$/)}\r\n`
  for (const subject of head.subject ?? []) lines += `Subject:${languageText(subject)}\r\n`
  for (const { namespace } of [...(head.others ?? []), ...(head.require ?? [])]) {
    if (prefixes.has(namespace)) continue
    const prefix = `ns${prefixes.size}`
    prefixes.set(namespace, prefix)
    lines += `NS: ${prefix} <${plain(namespace, uriPattern)}>\r\n`
  }
  if (head.require && head.require.length > 0) {
    lines += `Require: ${head.require.map((name) => qualified(name, prefixes)).join(',')}\r\n`
  }
  for (const other of head.others ?? []) lines += `${qualified(other, prefixes)}: ${escaped(other.value)}\r\n`
  return concat([utf8(`${lines}\r\n`), encapsulated])
}

const uriPattern = /^[^\u0000- <>\u007f]+$/

function plain(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new RangeError(`not for a Message/CPIM header: ${JSON.stringify(text)}`)
  return text
}

function qualified(name: CpimName, prefixes: ReadonlyMap<string, string>): string {
  const local = plain(name.name, /^[!#-'*+\-^-`|~A-Za-z0-9]+$/)
  const prefix = prefixes.get(name.namespace)
  return prefix ? `${prefix}.${local}` : local
}

function languageText({ language, text }: LanguageText): string {
  const tag = language === '' ? '' : `;lang=${plain(language, /^[A-Za-z0-9-]+$/)}`
  return `${tag} ${escaped(text)}`
}

function addressText({ name, uri }: CpimAddress): string {
  const address = `<${plain(uri, uriPattern)}>`
  if (name === '') return address
  // §3.6 Formal-name: tokens each with a space behind, or a String.
  const tokens = /^[^\u0000- ()<>@,;:\\"/[\]?={}\u007f]+( [^\u0000- ()<>@,;:\\"/[\]?={}\u007f]+)*$/.test(name)
  return tokens ? `${name} ${address}` : `${quotedString(name)}${address}`
}
