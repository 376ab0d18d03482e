// The archive (XEP-0313): pages of the one history of a person, whatever the messages came by, shown as XMPP writes them.
import { type HistoryFilter, type HistoryItem, type HistoryQuery, historyIdsMax, ServiceError } from '#core'
import { type Element, escapeValue, xml } from '#wire/xml'
import type { BoundSession } from '../bound-session.ts'
import { type ArchiveFilter, archiveForm, readArchiveFilter } from '../codec/archive-query.ts'
import { dateTime } from '../codec/date-time.ts'
import { archiveNamespace, delayNamespace, forwardNamespace } from '../codec/namespaces.ts'
import { isPageRequest, type PageRequest, pageElement, readPageRequest } from '../codec/result-set.ts'
import { ByteSink } from '../codec/splice.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { writeArchived } from '../delivery.ts'
import { stanzaErrorOf } from '../errors.ts'
import type { ServerSide } from './disco.ts'
import type { IqHandler, IqRequest } from './iq.ts'

/** Messages of a page that names no number. */
const pageDefault = 50
/** LIMIT: messages of a page. */
export const pageMax = 250
/**
 * LIMIT: octets of messages in a page, of which there is always one; what is left is on the next page. All pages that a session may ask for
 * at a time fit into what it may leave unacknowledged (`unacknowledged_octets_max`, XEP-0198).
 */
export const pageOctetsMax = 262_144
/** LIMIT: where counting ends (XEP-0059 §2.7 lets a count be approximate); below it a count is exact. */
export const countMax = 10_000
/** LIMIT: questions of one session to its archive that wait for an answer at a time. */
export const questionsMax = 4

/** With `[history] enabled = false` there is no archive. */
export const hasArchive = ({ service }: ServerSide): boolean => service.policy.history

export const archiveIq: IqHandler = {
  payload: `{${archiveNamespace}}query`,
  addressee: 'account',
  // §8.1
  ofPersons: 'forbidden',
  features: {
    account: [archiveNamespace, `${archiveNamespace}#extended`, `${archiveNamespace}#groupchat-field`],
  },
  isOffered: hasArchive,
  get: ({ result }) => result(xml('query', archiveNamespace, {}, archiveForm())),
  set: (request) => ask(request, queryArchive),
}

export const archiveMetadataIq: IqHandler = {
  payload: `{${archiveNamespace}}metadata`,
  addressee: 'account',
  ofPersons: 'forbidden',
  isOffered: hasArchive,
  get: (request) => ask(request, tellMetadata),
}

const questions = new WeakMap<BoundSession, number>()

/** What the store answers later, for a few at a time. */
function ask(request: IqRequest, question: (request: IqRequest) => Promise<void>): void {
  const { session, error } = request
  const asked = questions.get(session) ?? 0
  if (asked >= questionsMax) return error({ ...stanzaError('resource-constraint'), type: 'wait' })
  questions.set(session, asked + 1)
  question(request)
    .catch((cause: unknown) => {
      if (!(cause instanceof ServiceError))
        session.service.log.error('the archive was not read', { error: cause })
      // §4.3.2: an id that the archive has not.
      error(stanzaErrorOf(cause instanceof ServiceError ? cause.condition : 'internal-fault'))
    })
    .finally(() => questions.set(session, (questions.get(session) ?? 1) - 1))
}

async function queryArchive(request: IqRequest): Promise<void> {
  const { payload, error } = request
  // XEP-0442 has the archives of nodes.
  if (payload.attribute('node') !== undefined) return error(stanzaError('item-not-found'))
  const filter = readArchiveFilter(payload)
  if ('condition' in filter) return error(filter)
  const page = readPageRequest(payload)
  if (!isPageRequest(page)) return error(page)
  if ((filter.ids?.length ?? 0) > historyIdsMax) return error(tooManyIds)
  if (page.max === 0) await tellCount(request, filter)
  else await tellPage(request, filter, page)
}

const tooManyIds: StanzaError = stanzaError('policy-violation')

/** XEP-0059 §2.7. What a count costs grows with what it counts, so only who asks for it gets it. */
async function tellCount({ session, result }: IqRequest, filter: ArchiveFilter): Promise<void> {
  const { store } = session.service
  const count =
    filter.ids === undefined
      ? await store.countHistory(session.owner, historyFilter(filter), countMax)
      : (await store.history(session.owner, { ...historyFilter(filter), ids: filter.ids, limit: pageMax }))
          .length
  result(finElement(count === 0, pageElement({ first: undefined, last: undefined, index: undefined, count })))
}

async function tellPage(request: IqRequest, filter: ArchiveFilter, page: PageRequest): Promise<void> {
  const { session, payload, result } = request
  const max = Math.min(page.max ?? pageDefault, pageMax)
  const backwards = page.before !== undefined
  const found = await session.service.store.history(session.owner, {
    ...historyFilter(filter),
    ...(filter.ids === undefined ? {} : { ids: filter.ids }),
    ...pageBounds(page),
    backwards,
    // One more, which tells whether there are more.
    limit: max + 1,
  })
  if (session.ended) return
  const items = fitting(found, max, backwards)
  const isComplete = items.length === found.length
  const isFlipped = payload.child('flip-page', archiveNamespace) !== undefined
  for (const item of isFlipped ? items.toReversed() : items) sendItem(request, item)
  // Nothing is before the first of a page from the beginning, or of one towards it that is complete.
  const isFromStart = backwards ? isComplete : page.after === undefined
  const isWhole = isComplete && page.after === undefined && (page.before ?? '') === ''
  result(
    finElement(
      isComplete,
      pageElement({
        first: items[0]?.id,
        last: items.at(-1)?.id,
        index: isFromStart && page.after === undefined ? 0 : undefined,
        count: isWhole ? items.length : undefined,
      }),
    ),
  )
}

function historyFilter({ with: jid, start, end, afterId, beforeId }: ArchiveFilter): HistoryFilter {
  return {
    ...(jid === undefined ? {} : { with: jid.address }),
    // §4.1.1: a full JID is one device.
    ...(jid === undefined || jid.resource === '' ? {} : { withAgent: jid.resource }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(afterId === undefined ? {} : { afterId }),
    ...(beforeId === undefined ? {} : { beforeId }),
  }
}

function pageBounds({ after, before }: PageRequest): Pick<HistoryQuery, 'pageAfterId' | 'pageBeforeId'> {
  return {
    ...(after === undefined ? {} : { pageAfterId: after }),
    ...(before === undefined || before === '' ? {} : { pageBeforeId: before }),
  }
}

/** As many as the page may hold, by number and by octets: the first ones, or the last ones of a page backwards. */
function fitting(found: readonly HistoryItem[], max: number, backwards: boolean): readonly HistoryItem[] {
  let octets = 0
  let count = 0
  while (count < found.length && count < max) {
    const item = (backwards ? found.at(-1 - count) : found[count]) as HistoryItem
    octets += item.raw.length
    if (count > 0 && octets > pageOctetsMax) break
    count++
  }
  return backwards ? found.slice(found.length - count) : found.slice(0, count)
}

/** §4.2. Where a message can't be read any more its place is told all the same (§3.2). */
function sendItem({ session, payload }: IqRequest, item: HistoryItem): void {
  const queryId = payload.attribute('queryid')
  const sink = new ByteSink()
  sink.writeUtf8(
    `<message from='${escapeValue(session.bare)}' to='${escapeValue(session.full)}'>` +
      `<result xmlns='${archiveNamespace}'${queryId === undefined ? '' : ` queryid='${escapeValue(queryId)}'`} id='${item.id}'>` +
      `<forwarded xmlns='${forwardNamespace}'><delay xmlns='${delayNamespace}' stamp='${dateTime(item.at)}'/>`,
  )
  const message = messageOf(session, item)
  if (message !== undefined) sink.write(message)
  sink.writeUtf8('</forwarded></result></message>')
  session.sendWritten(sink.bytes())
}

function messageOf(session: BoundSession, item: HistoryItem): Uint8Array | undefined {
  const sink = new ByteSink()
  try {
    writeArchived(sink, session, session.service.revive(item))
    return sink.bytes()
  } catch (cause) {
    session.service.log.error('a message of the history could not be shown', { error: cause, id: item.id })
    return undefined
  }
}

function finElement(isComplete: boolean, set: Element): Element {
  return xml('fin', archiveNamespace, { complete: isComplete ? 'true' : undefined }, set)
}

/** §5 */
async function tellMetadata({ session, result }: IqRequest): Promise<void> {
  const { store } = session.service
  const [[first], [last]] = await Promise.all([
    store.history(session.owner, { limit: 1 }),
    store.history(session.owner, { limit: 1, backwards: true }),
  ])
  const end = (name: string, item: HistoryItem | undefined): Element | undefined =>
    item === undefined
      ? undefined
      : xml(name, archiveNamespace, { id: item.id, timestamp: dateTime(item.at) })
  result(xml('metadata', archiveNamespace, {}, end('start', first), end('end', last)))
}
