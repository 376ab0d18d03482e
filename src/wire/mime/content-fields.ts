// The fields that describe content beside its type and length (RFC 2045 §8, §9). Only they travel with content from one
// protocol to another: any other name would be a field of the message, of a hop or of the server, said by whoever wrote it.
import { isHeaderValue } from '#wire/header-lines'

interface Field {
  readonly name: string
  readonly value: string
}

/** True for `Content-...` and MIME-Version, but for what the content itself states: type and length. */
export function isContentField(name: string): boolean {
  return /^(content-[a-z0-9-]+|mime-version)$/i.test(name) && !/^content-(type|length)$/i.test(name)
}

/** Those of `fields` that describe content and can be written on a line; of a name that comes again, the first. */
export function describingFields(fields: readonly Field[]): Field[] {
  const seen = new Set<string>()
  return fields.filter(({ name, value }) => {
    const known = name.toLowerCase()
    if (!isContentField(name) || !isHeaderValue(value) || seen.has(known)) return false
    seen.add(known)
    return true
  })
}
