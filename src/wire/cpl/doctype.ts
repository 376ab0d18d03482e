// "When parsing scripts comply with the CPL DTD in earlier documents, the DOCTYPE lines in the scripts should be ignored" (RFC 3880 App. C).

import type { Bytes } from '#base'

const lt = 0x3c
const gt = 0x3e
const bang = 0x21
const question = 0x3f
const dash = 0x2d
const bracket = 0x5b
const space = 0x20
const lineFeed = 0x0a
const quotes: ReadonlySet<number | undefined> = new Set([0x22, 0x27])
const keyword = '<!DOCTYPE'

/**
 * The document with its DOCTYPE declaration made blank, so that all else stays in its place. One that declares anything inside itself is left as
 * it is, for the reader to refuse.
 */
export function withoutDoctype(document: Bytes): Bytes {
  const start = doctypeStart(document)
  if (start === undefined) return document
  let end = start + keyword.length
  for (let quote: number | undefined; end < document.length; end++) {
    const octet = document[end]
    if (quote !== undefined) {
      if (octet === quote) quote = undefined
    } else if (quotes.has(octet)) quote = octet
    else if (octet === bracket) return document
    else if (octet === gt) break
  }
  if (end === document.length) return document
  const blank = document.slice()
  for (let i = start; i <= end; i++) if (blank[i] !== lineFeed) blank[i] = space
  return blank
}

/** Before the first element; comments and processing instructions may stand there, too. */
function doctypeStart(document: Bytes): number | undefined {
  for (let i = document.indexOf(lt); i >= 0; i = document.indexOf(lt, i)) {
    if (document[i + 1] === question) i = behind(document, [question, gt], i + 2)
    else if (document[i + 1] === bang && document[i + 2] === dash && document[i + 3] === dash)
      i = behind(document, [dash, dash, gt], i + 4)
    else return isKeyword(document, i) ? i : undefined
    if (i < 0) return undefined
  }
  return undefined
}

function behind(document: Bytes, end: readonly number[], from: number): number {
  for (let i = from; i + end.length <= document.length; i++)
    if (end.every((octet, at) => document[i + at] === octet)) return i + end.length
  return -1
}

function isKeyword(document: Bytes, at: number): boolean {
  for (let i = 0; i < keyword.length; i++) if (document[at + i] !== keyword.charCodeAt(i)) return false
  return true
}
