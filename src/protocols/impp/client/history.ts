// One's own history, all protocols together, page by page (docs/specs/impp-1.0.md §11.5).

import type { InstantMessage } from '#model'
import { addressOfUrl, type Fields, type ImppRequest, messageOf, UnitFramer } from '../codec/index.ts'
import { ConnectionLost } from './failures.ts'
import { type Run, urlOfPerson } from './own-lists.ts'

export interface HistoryOptions {
  /** Only what was said with this person. */
  readonly with?: string
  /** From here on, and until before here. */
  readonly since?: Date
  readonly until?: Date
  /** Only what came after, or before, the message with this id (`Remembered.id`). */
  readonly after?: string
  readonly before?: string
  /** The newest so many, oldest first; all when left out. */
  readonly last?: number
  readonly signal?: AbortSignal
}

export interface Remembered {
  /** Its place in the history. */
  readonly id: string
  /** When it was stored. */
  readonly at: Date
  readonly direction: 'received' | 'sent'
  readonly message: InstantMessage
  /** Why its content is not there, where it has no form here. */
  readonly omitted: string | undefined
}

/** LIMIT: messages asked for at a time. */
const pageMax = 100

export async function* historyOf(
  run: Run,
  options: HistoryOptions,
): AsyncGenerator<Remembered, void, undefined> {
  const filter: Fields = [
    ['With', options.with === undefined ? undefined : urlOfPerson(options.with)],
    ['Start', options.since?.toISOString()],
    ['End', options.until?.toISOString()],
  ]
  if (options.last !== undefined) {
    yield* await newest(run, filter, options, options.last)
    return
  }
  for (let after = options.after; ; ) {
    const place: Fields = [['After', after], ...(after === undefined ? beforeOf(options.before, false) : [])]
    const { messages, next } = await pageOf(run, [...filter, ...place], pageMax, options.signal)
    yield* messages
    if (next === undefined || next === after) return
    after = next
  }
}

/** From the end backwards, for as many as are wanted. */
async function newest(
  run: Run,
  filter: Fields,
  { before, signal }: HistoryOptions,
  wanted: number,
): Promise<Remembered[]> {
  let found: Remembered[] = []
  for (let place = before; found.length < wanted; ) {
    const count = Math.min(pageMax, wanted - found.length)
    const { messages, next } = await pageOf(run, [...filter, ...beforeOf(place, true)], count, signal)
    found = [...messages, ...found]
    if (next === undefined || next === place) break
    place = next
  }
  return found
}

/** `-` is the end of the history: backwards from there. */
function beforeOf(before: string | undefined, backwards: boolean): Fields {
  return [['Before', before ?? (backwards ? '-' : undefined)]]
}

async function pageOf(
  run: Run,
  fields: Fields,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<{ messages: Remembered[]; next: string | undefined }> {
  return run(async (session) => {
    const { headers, body } = await session.ask('GET-HISTORY', [
      ['Target', session.url],
      ['Limit', String(limit)],
      ...fields,
    ])
    return { messages: unitsOf(body, session.unitOctetsMax), next: headers.get('next') }
  }, signal)
}

function unitsOf(body: Uint8Array, unitOctetsMax: number): Remembered[] {
  const framer = new UnitFramer({ unitOctetsMax, discardOctetsMax: 0 })
  framer.push(body)
  const found: Remembered[] = []
  for (let unit = framer.next(); unit !== undefined; unit = framer.next()) {
    const remembered = unit.kind === 'request' ? rememberedOf(unit) : undefined
    if (remembered === undefined) throw new ConnectionLost('the server’s history is not well-formed')
    found.push(remembered)
  }
  return found
}

function rememberedOf({ headers, envelope, body, id: requestId }: ImppRequest): Remembered | undefined {
  const from = addressOfUrl(headers.get('from') ?? '')
  const to = addressOfUrl(headers.get('target') ?? '')
  const at = new Date(envelope?.get('stored') ?? '')
  const id = envelope?.get('history-id')
  if (from === undefined || to === undefined || id === undefined || Number.isNaN(at.getTime()))
    return undefined
  const said = messageOf(headers, body.slice(), from, to)
  return {
    id,
    at,
    direction: envelope?.get('copy') === 'sent' ? 'sent' : 'received',
    message: said.id === '' ? { ...said, id: requestId } : said,
    omitted: envelope?.get('omitted'),
  }
}
