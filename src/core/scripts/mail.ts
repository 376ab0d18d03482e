// What a `mail` node says, RFC 3880 §7.1.1, as the instant message to the script's owner that stands for it here.
import type { RequestFacts } from '#model'

export interface Mail {
  readonly subject: string
  readonly body: string
}

/** @param now milliseconds since 1970 */
export function mailOf(url: string, kind: string, facts: RequestFacts, now: number): Mail {
  const [to = '', query = ''] = url.slice('mailto:'.length).split('?', 2)
  const given = new Map<string, string>()
  for (const field of query.split('&')) {
    const [name = '', value = ''] = field.split('=', 2)
    given.set(decoded(name).toLowerCase(), decoded(value))
  }
  // "the subject of the e-mail is "[CPL]", followed by the subject header of the SIP request".
  const subject = given.get('subject') ?? `[CPL] ${facts.text('subject') ?? ''}`.trimEnd()
  const body = given.get('body') ?? status(kind, facts, now)
  return { subject: oneLine(subject), body: `${body}\n\n(for ${oneLine(decoded(to))}, by your script)` }
}

/** "at least the identity of the caller, the date and time of day, the call subject, and if available, the call priority". */
function status(kind: string, facts: RequestFacts, now: number): string {
  const origin = facts.address('origin')
  const name = origin?.display === undefined ? '' : `${origin.display} `
  const lines = [
    `${kind} from ${name}<${origin?.uri ?? ''}>`,
    `to ${facts.address('original-destination')?.uri ?? ''}`,
    `at ${new Date(now).toISOString()}`,
  ]
  const subject = facts.text('subject')
  if (subject !== undefined) lines.push(`subject: ${subject}`)
  const priority = facts.priority()
  if (priority !== undefined) lines.push(`priority: ${priority}`)
  return lines.map(oneLine).join('\n')
}

function oneLine(written: string): string {
  return written.replace(/\p{Cc}+/gu, ' ')
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written // a stray `%`: it is shown as it is written
  }
}
