// Preparation and enforcement of names and secrets: the PRECIS profiles UsernameCaseMapped and OpaqueString
// (RFC 8264, RFC 8265), for localparts with the further exclusions of RFC 7622 §3.3.1. Complete.

import { satisfiesBidiRule } from './precis-bidi.ts'
import { derivedProperty } from './precis-code-points.ts'
import { ContextRules } from './precis-context.ts'

export { prepareDomain } from './precis-domain.ts'

/** LIMIT: octets of UTF-8 in a prepared localpart, resourcepart or password (RFC 7622 §3.3, §3.4). */
const octetsMax = 1023
const reapplicationsMax = 3 // RFC 8264 §7
const asciiCount = 128

/** ASCII that a localpart may not hold: controls, space, DEL, and `"&'/:<>@` (RFC 7622 §3.3.1). */
const excludedAscii = new Uint8Array(asciiCount)
for (let code = 0; code <= 0x20; code++) excludedAscii[code] = 1
for (const character of '"&\'/:<>@\x7f') excludedAscii[character.charCodeAt(0)] = 1

/**
 * A localpart or account name, prepared and enforced as UsernameCaseMapped (RFC 8265 §3.3) within RFC 7622 §3.3;
 * undefined when it is no such name. Equal names give equal strings.
 */
export function prepareUsername(name: string): string | undefined {
  if (name.length === 0 || name.length > octetsMax) return undefined
  let upper = false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code >= asciiCount) return stable(name, enforceUsername)
    if (excludedAscii[code] === 1) return undefined
    if (code >= 0x41 && code <= 0x5a) upper = true
  }
  return upper ? name.toLowerCase() : name
}

/**
 * A password or resourcepart, prepared and enforced as OpaqueString (RFC 8265 §4.2); undefined when it is none.
 * Case and inner, leading and trailing spaces stay.
 */
export function prepareOpaque(opaque: string): string | undefined {
  if (opaque.length === 0 || opaque.length > octetsMax) return undefined
  for (let i = 0; i < opaque.length; i++) {
    const code = opaque.charCodeAt(i)
    if (code >= asciiCount) return stable(opaque, enforceOpaque)
    if (code < 0x20 || code === 0x7f) return undefined
  }
  return opaque
}

/** RFC 8264 §7: the rules again until the string is stable, three more times at most, else it is refused. */
function stable(input: string, enforce: (text: string) => string | undefined): string | undefined {
  let text = enforce(input)
  for (let i = 0; text !== undefined && i < reapplicationsMax; i++) {
    const again = enforce(text)
    if (again === text) return fits(text) ? text : undefined
    text = again
  }
  return undefined
}

/** RFC 8265 §3.3.2 and §3.3.3, the steps in their order. */
function enforceUsername(name: string): string | undefined {
  const prepared = name.replace(/[\uff00-\uffef]/gu, widthMapping)
  if (!conforms(prepared, false)) return undefined
  const enforced = prepared.toLowerCase().normalize('NFC')
  return satisfiesBidiRule(enforced) && !holdsExcluded(enforced) ? enforced : undefined
}

/** RFC 8265 §4.2.2 and §4.2.3. */
function enforceOpaque(opaque: string): string | undefined {
  if (!conforms(opaque, true)) return undefined
  return opaque.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}

/** The decomposition of a fullwidth or halfwidth character; for these NFKC of the one character is that mapping
 *  in all cases that the IdentifierClass then lets through. */
function widthMapping(character: string): string {
  return character.normalize('NFKC')
}

function conforms(text: string, freeform: boolean): boolean {
  const characters = [...text]
  const rules = new ContextRules(text, characters)
  return characters.every((character, at) => {
    const property = derivedProperty(character)
    if (property === 'context') return rules.allows(at)
    return property === 'pvalid' || (freeform && property === 'free')
  })
}

function holdsExcluded(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code < asciiCount && excludedAscii[code] === 1) return true
  }
  return false
}

function fits(text: string): boolean {
  return text.length > 0 && new TextEncoder().encode(text).length <= octetsMax
}
