// The names of RFC 3880, and what a script may make us hold and do.

/** §14.1 */
export const cplNamespace = 'urn:ietf:params:xml:ns:cpl'
/** §14.3 */
export const cplMediaType = 'application/cpl+xml'

/** Attributes of these namespaces are for programs that check documents, and mean nothing to one that follows them. */
export const ignoredNamespaces: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/XMLSchema-instance',
  'http://www.w3.org/XML/1998/namespace',
])

/** LIMIT: octets of a script. */
export const scriptOctetsMax = 65_536
/** LIMIT: elements open at once. */
export const scriptDepthMax = 64
/** LIMIT: elements of a script. */
export const scriptElementsMax = 2000
/** LIMIT: `time` outputs of a script, and the sum of their counts: each has to be followed. */
export const scriptTimesMax = 50
export const scriptCountsMax = 2000
/** LIMIT: days that are looked at while a script's rules are examined, all together. */
export const scriptStepsMax = 150_000
/** LIMIT: characters of an attribute's value. */
export const scriptValueMax = 2048
