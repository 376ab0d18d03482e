// What reads a script: its language is not the core's.
import type { Bytes } from '#base'
import type { Script, ScriptFault } from '#model'

export type ReadScript = (document: Bytes) => Script | ScriptFault

/** A service without scripts. */
export const noScripts: ReadScript = () => ({ line: 1, column: 1, reason: 'no scripts are read here' })
