// The DTDs (RFC 3340 §9, RFC 3341 §6, RFC 3342 §6, RFC 3343 §6) as a table: what each element may have. Read strictly, since a peer that
// says more means something that we would not do; but where the RFCs' own examples leave out what their DTD requires (transID of
// an option without one, of a reply inside a destination), it may be left out.

import { type Element, xmlNamespace } from '#wire/xml'

interface ElementRule {
  readonly required: readonly string[]
  readonly optional: readonly string[]
  /** `empty`: white space; `text`: characters; `any`; or the names of elements, in any order, with white space between. */
  readonly content: 'empty' | 'text' | 'any' | readonly string[]
}

const lang = `{${xmlNamespace}}lang`

const rules: Readonly<Record<string, ElementRule>> = {
  attach: { required: ['endpoint', 'transID'], optional: [], content: ['option'] },
  bind: { required: ['relay', 'transID'], optional: [], content: ['option'] },
  terminate: { required: [], optional: ['code', 'transID', lang], content: 'text' },
  data: {
    required: ['content'],
    optional: [],
    content: ['originator', 'recipient', 'option', 'data-content'],
  },
  originator: { required: ['identity'], optional: [], content: ['option'] },
  recipient: { required: ['identity'], optional: [], content: ['option'] },
  'data-content': { required: ['Name'], optional: [], content: 'any' },
  option: {
    required: [],
    optional: ['internal', 'external', 'targetHop', 'mustUnderstand', 'transID', 'localize'],
    content: 'any',
  },
  ok: { required: [], optional: [], content: 'empty' },
  error: { required: ['code'], optional: [lang], content: 'text' },
  reply: { required: ['code'], optional: ['transID', lang], content: 'text' },
  statusResponse: { required: ['transID'], optional: [], content: ['destination'] },
  destination: { required: ['identity'], optional: [], content: ['reply'] },
  query: { required: ['owner', 'actor', 'actions', 'transID'], optional: [], content: 'empty' },
  get: { required: ['owner', 'actor', 'transID'], optional: [], content: 'empty' },
  set: { required: ['transID'], optional: [], content: ['access'] },
  allow: { required: ['transID'], optional: [], content: 'empty' },
  deny: { required: ['transID'], optional: [], content: 'empty' },
  access: { required: ['owner', 'actor'], optional: ['actions', 'lastUpdate'], content: 'empty' },
  dataTiming: {
    required: [],
    optional: ['noLaterThan', 'returnTrip', 'reportAfter', 'reportErrors'],
    content: 'empty',
  },
  dataHopping: { required: [], optional: ['noMoreThan', 'reportErrors'], content: 'empty' },
  subscribe: { required: ['publisher', 'duration', 'transID'], optional: [], content: 'empty' },
  watch: { required: ['publisher', 'duration', 'transID'], optional: [], content: 'empty' },
  publish: { required: ['publisher', 'transID', 'timeStamp'], optional: [], content: ['presence'] },
  notify: { required: ['subscriber', 'transID'], optional: ['duration', 'action'], content: 'empty' },
  presence: { required: ['publisher', 'lastUpdate'], optional: ['publisherInfo'], content: ['tuple'] },
  tuple: { required: ['destination', 'availableUntil'], optional: ['tupleInfo'], content: ['capability'] },
  capability: { required: ['baseline'], optional: [], content: 'text' },
}

/** What is wrong with the shape of an element or of what is in it, for the text of an error; undefined when its DTD allows it. */
export function shapeFault(element: Element): string | undefined {
  const rule = Object.hasOwn(rules, element.name) ? rules[element.name] : undefined
  if (rule === undefined || element.namespace !== '') return `unexpected element <${element.name}>`
  for (const name of rule.required)
    if (!element.attributes.has(name)) return `<${element.name}> needs the attribute ${name}`
  for (const name of element.attributes.keys())
    if (!rule.required.includes(name) && !rule.optional.includes(name))
      return `unexpected attribute in <${element.name}>`
  if (rule.content === 'any') return undefined
  for (const child of element.children) {
    if (typeof child === 'string') {
      if (rule.content !== 'text' && child.trim() !== '') return `unexpected text in <${element.name}>`
      continue
    }
    if (typeof rule.content === 'string' || !rule.content.includes(child.name))
      return `unexpected element <${child.name}> in <${element.name}>`
    const fault = shapeFault(child)
    if (fault !== undefined) return fault
  }
  return undefined
}
