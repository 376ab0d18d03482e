// Presence in lines for a person: one in all, and one a device.
import type { LanguageText, Presence, PresenceTuple } from './person.ts'
import { visible } from './print.ts'

const shows = { away: 'away', chat: 'likes to chat', dnd: 'do not disturb', xa: 'away for long' } as const

/** `juliet@example.com: open` and a line for each device, if there is more to say. */
export function presenceText(who: string, presence: Presence): string {
  const open = presence.tuples.some((tuple) => tuple.basic === 'open')
  const lines = [`${who}: ${open ? 'open' : 'closed'}${notesText(presence.notes)}`]
  for (const tuple of presence.tuples) lines.push(`  ${tupleText(tuple)}`)
  return `${visible(lines.join('\n'))}\n`
}

function tupleText({ id, basic, show, notes }: PresenceTuple): string {
  const state = basic === undefined ? 'unknown' : show === undefined ? basic : `${basic}, ${shows[show]}`
  return `${id}: ${state}${notesText(notes)}`
}

function notesText(notes: readonly LanguageText[]): string {
  return notes.map((note) => ` "${note.text.replaceAll('\n', ' ')}"`).join('')
}
