// Away and busy: XMPP's <show/> on one side, RPID activities and im:im on the other (RFC 8048 §6.1 note 7, RFC 4480 §3.2,
// RFC 3922 §5.1.5). *We choose* which activities mean which.

import { utf8 } from '#base'
import type { LanguageText, PresenceDocument, PresenceTuple, Show } from '#model'
import { type Element, escapeValue, isXmlFault, parseElement } from '#wire/xml'
import { dataModelNamespace, imStatusNamespace, isPidfNamespace, rpidNamespace } from './names.ts'

const showOfActivity: Readonly<Record<string, Show>> = {
  away: 'away',
  'in-transit': 'away',
  breakfast: 'away',
  lunch: 'away',
  dinner: 'away',
  meal: 'away',
  appointment: 'away',
  shopping: 'away',
  busy: 'dnd',
  meeting: 'dnd',
  'on-the-phone': 'dnd',
  performance: 'dnd',
  presentation: 'dnd',
  steering: 'dnd',
  worship: 'dnd',
  holiday: 'xa',
  'permanent-absence': 'xa',
  sleeping: 'xa',
  travel: 'xa',
  vacation: 'xa',
}

const activityOfShow: Readonly<Record<Show, string | undefined>> = {
  chat: undefined,
  away: 'away',
  xa: 'away',
  dnd: 'busy',
}

export function isShow(text: string): text is Show {
  return text === 'away' || text === 'chat' || text === 'dnd' || text === 'xa'
}

/** What a status or tuple extension says about `show`, or undefined. `now` in milliseconds. */
export function showOfExtension(extension: string, now: number): Show | undefined {
  const element = treeOf(extension)
  if (element === undefined) return undefined
  if (element.is('im', imStatusNamespace)) {
    const value = element.text().trim()
    return isShow(value) ? value : value === 'busy' ? 'dnd' : undefined
  }
  return element.is('activities', rpidNamespace) ? showOfActivities(element, now) : undefined
}

/** What a document extension says: the activities of an RPID person (RFC 4479 §3.1, RFC 4480 §3.2). */
export function showOfPerson(extension: string, now: number): Show | undefined {
  const person = treeOf(extension)
  if (!person?.is('person', dataModelNamespace)) return undefined
  const activities = person.child('activities', rpidNamespace)
  return activities && showOfActivities(activities, now)
}

/** Whether a service is somebody else's, an assistant's or a relative's (RFC 4480 §3.8): what the person does says nothing of it. */
export function isAnothers(tuple: PresenceTuple): boolean {
  return tuple.extensions.some((extension) => {
    // Most have no such word, and are not taken apart.
    if (!extension.includes('relationship')) return false
    const element = treeOf(extension)
    return (
      element?.is('relationship', rpidNamespace) === true &&
      element.child('self', rpidNamespace) === undefined
    )
  })
}

/**
 * What a person says in words: the notes of an RFC 4479 person, else those of activities and mood (RFC 4480 §3.2, §3.3), for watchers whose
 * protocol has nothing but a line of text. What is said for a time alone is left out: the line would stay when the time is over.
 */
export function notesOfPersons(document: PresenceDocument): readonly LanguageText[] {
  for (const extension of document.extensions) {
    const person = treeOf(extension)
    if (!person?.is('person', dataModelNamespace)) continue
    const parts = person.elements().filter((part) => part.namespace === rpidNamespace && !isTimed(part))
    const notes = [
      ...person.childrenNamed('note', dataModelNamespace),
      ...parts.flatMap((part) => part.childrenNamed('note', rpidNamespace)),
    ]
    if (notes.length > 0)
      return notes.map((note) => ({ language: note.lang ?? '', text: note.text().trim() }))
  }
  return []
}

/** RFC 4480 §3.1: `from` and `until` say when it is so; without them, always. */
function isNow(element: Element, now: number): boolean {
  const from = Date.parse(element.attribute('from') ?? '')
  const until = Date.parse(element.attribute('until') ?? '')
  return !(now < from || now > until)
}

const isTimed = (part: Element): boolean =>
  part.attribute('from') !== undefined || part.attribute('until') !== undefined

function treeOf(extension: string): Element | undefined {
  const element = parseElement(utf8(extension), { isDocument: true })
  if (isXmlFault(element) || mustBeIgnored(element)) return undefined
  return element
}

/** RFC 3863 §4.2.3: an extension with a part that must be understood, and is not, is ignored as a whole. */
function mustBeIgnored(element: Element): boolean {
  for (const [key, value] of element.attributes) {
    const mandatory = key.endsWith('mustUnderstand') && (value === 'true' || value === '1')
    const ours = element.namespace === rpidNamespace || element.namespace === dataModelNamespace
    if (mandatory && !ours && isPidfNamespace(key.slice(1, key.lastIndexOf('}')))) return true
  }
  return element.elements().some(mustBeIgnored)
}

/** The first activity that means something; none where `from` and `until` say another time (RFC 4480 §3.1). */
function showOfActivities(activities: Element, now: number): Show | undefined {
  if (!isNow(activities, now)) return undefined
  for (const activity of activities.elements()) {
    const show = activity.namespace === rpidNamespace ? showOfActivity[activity.name] : undefined
    if (show !== undefined) return show
  }
  return undefined
}

const availability: readonly (Show | undefined)[] = ['chat', undefined, 'away', 'xa', 'dnd']

/**
 * An RPID person for watchers that do not know <show/>: away or busy only when every open tuple is at least that.
 * Empty when there is nothing to say. It says no more than the tuples do, so a reader may drop it again.
 */
export function personFor(tuples: readonly PresenceTuple[]): string {
  let best: number | undefined
  for (const tuple of tuples) {
    if (tuple.basic !== 'open') continue
    const rank = availability.indexOf(tuple.show)
    if (best === undefined || rank < best) best = rank
  }
  const show = best === undefined ? undefined : availability[best]
  const activity = show && activityOfShow[show]
  if (activity === undefined) return ''
  let id = 'person'
  while (tuples.some((tuple) => tuple.id === id)) id += '-'
  return (
    `<dm:person xmlns:dm="${dataModelNamespace}" xmlns:rpid="${rpidNamespace}" id="${escapeValue(id)}">` +
    `<rpid:activities><rpid:${activity}/></rpid:activities></dm:person>`
  )
}
