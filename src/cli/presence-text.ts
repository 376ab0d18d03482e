// Presence in lines for a person: one in all, and one a device.
import type { LanguageText, Presence, PresenceTuple } from './person.ts'
import { visible } from './print.ts'
import { type Style, styled } from './style.ts'
import type { Terminal } from './terminal.ts'

const shows = { away: 'away', chat: 'likes to chat', dnd: 'do not disturb', xa: 'away for long' } as const

/** `juliet@example.com: open` and a line for each device, if there is more to say. */
export function presenceText(terminal: Terminal, who: string, presence: Presence): string {
  const open = presence.tuples.some((tuple) => tuple.basic === 'open')
  const state = styled(terminal, styleOf(presence), open ? 'open' : 'closed')
  const lines = [`${styled(terminal, 'bold', visible(who))}: ${state}${visible(notesText(presence.notes))}`]
  const width = Math.max(0, ...presence.tuples.map(({ id }) => visible(id).length))
  for (const tuple of presence.tuples) lines.push(`  ${tupleText(terminal, tuple, width)}`)
  return `${lines.join('\n')}\n`
}

/** Green: there; yellow: there, and away or busy; dim: not there. */
function styleOf({ tuples }: Presence): Style {
  const open = tuples.filter(({ basic }) => basic === 'open')
  if (open.length === 0) return 'dim'
  return open.some(({ show }) => show === undefined || show === 'chat') ? 'green' : 'yellow'
}

function tupleText(terminal: Terminal, { id, basic, show, notes }: PresenceTuple, width: number): string {
  const name = styled(terminal, 'dim', `${visible(id)}:`) + ' '.repeat(width - visible(id).length)
  const state = basic === undefined ? 'unknown' : show === undefined ? basic : `${basic}, ${shows[show]}`
  return `${name} ${state}${visible(notesText(notes))}`
}

function notesText(notes: readonly LanguageText[]): string {
  return notes.map((note) => ` "${note.text.replaceAll('\n', ' ')}"`).join('')
}
