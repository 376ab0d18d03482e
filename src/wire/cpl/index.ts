// The door of wire/cpl: scripts of RFC 3880 as documents.

import type { Bytes } from '#base'
import type { Script, ScriptFault, TimeZone } from '#model'
import { ScriptReader } from './reader.ts'
import { Refused, Source } from './source.ts'

export { cplMediaType, cplNamespace, scriptOctetsMax } from './names.ts'

/** Reads a script, or says what is wrong with it first. @param zone of clocks where the script names none */
export function readCpl(document: Bytes, zone: TimeZone): Script | ScriptFault {
  try {
    return new ScriptReader(new Source(document), zone).actions()
  } catch (cause) {
    if (cause instanceof Refused) return cause.fault
    throw cause
  }
}
