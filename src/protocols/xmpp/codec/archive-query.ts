// A question to the archive as its client wrote it (XEP-0313 §4.1): the form's fields, and what is wrong with them.
import { type Element, xml } from '#wire/xml'
import { readDateTime } from './date-time.ts'
import { type Jid, parseJid } from './jid.ts'
import { archiveNamespace, dataFormsNamespace, validateNamespace } from './namespaces.ts'
import { type StanzaError, stanzaError } from './stanza-error.ts'

export interface ArchiveFilter {
  readonly with?: Jid
  readonly start?: number
  readonly end?: number
  readonly beforeId?: string
  readonly afterId?: string
  readonly ids?: readonly string[]
}

type Read = ArchiveFilter | StanzaError

/** Reads one field's values into what the filter is so far. */
type ReadField = (values: readonly string[]) => Read

const wrong = stanzaError('bad-request')

function single(read: (value: string) => Read): ReadField {
  return (values) => (values.length === 1 ? read(values[0] as string) : wrong)
}

function time(name: 'start' | 'end'): ReadField {
  return single((value) => {
    const read = readDateTime(value)
    return read === undefined ? wrong : { [name]: read }
  })
}

const fields = new Map<string, ReadField>([
  ['FORM_TYPE', single((value) => (value === archiveNamespace ? {} : wrong))],
  [
    'with',
    single((value) => {
      const jid = parseJid(value)
      return jid === undefined ? stanzaError('jid-malformed') : { with: jid }
    }),
  ],
  ['start', time('start')],
  ['end', time('end')],
  ['before-id', single((beforeId) => ({ beforeId }))],
  ['after-id', single((afterId) => ({ afterId }))],
  ['ids', (ids) => (ids.length === 0 ? wrong : { ids })],
  // §4.1.4: the archive of a person has no groupchat in it, whatever is asked.
  ['include-groupchat', single((value) => (/^(true|false|1|0)$/.test(value) ? {} : wrong))],
])

/** The form within a <query/>; an empty filter when there is none. */
export function readArchiveFilter(query: Element): Read {
  const form = query.child('x', dataFormsNamespace)
  if (form === undefined) return {}
  if (form.attribute('type') !== 'submit') return wrong
  let filter: ArchiveFilter = {}
  const seen = new Set<string>()
  for (const field of form.childrenNamed('field')) {
    const name = field.attribute('var') ?? ''
    const read = fields.get(name)
    // §4.1.5: a field that we do not know.
    if (read === undefined) return stanzaError('feature-not-implemented')
    if (seen.has(name)) return wrong
    seen.add(name)
    const part = read(field.childrenNamed('value').map((value) => value.text()))
    if ('condition' in part) return part
    filter = { ...filter, ...part }
  }
  return seen.has('FORM_TYPE') ? filter : wrong
}

/** What a client may ask for (§4.1.5). */
export function archiveForm(): Element {
  const field = (type: string, name: string, ...children: Element[]): Element =>
    xml('field', dataFormsNamespace, { type, var: name }, ...children)
  const anyString = xml(
    'validate',
    validateNamespace,
    { datatype: 'xs:string' },
    xml('open', validateNamespace),
  )
  return xml(
    'x',
    dataFormsNamespace,
    { type: 'form' },
    field('hidden', 'FORM_TYPE', xml('value', dataFormsNamespace, {}, archiveNamespace)),
    field('jid-single', 'with'),
    field('text-single', 'start'),
    field('text-single', 'end'),
    field('text-single', 'before-id'),
    field('text-single', 'after-id'),
    field('list-multi', 'ids', anyString),
    field('boolean', 'include-groupchat'),
  )
}
