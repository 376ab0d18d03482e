// Where browsers come in (RFC 7395), and how they find the way (XEP-0156 §2).
import type { WebConnection, WebOffers } from '#net'
import { escapeValue } from '#wire/xml'
import { ClientSession } from './client-session.ts'
import { FramedConnection } from './framed-connection.ts'
import type { SessionEnvironment } from './session-environment.ts'

const path = '/xmpp-websocket'
const relation = 'urn:xmpp:alt-connections:websocket'

/** Takes connections until what it returns is called. */
export function offerWebSockets(
  web: WebOffers,
  around: Omit<SessionEnvironment, 'onOver'>,
  sessions: Set<ClientSession>,
): () => void {
  const { stanzaOctetsMax, webSocketUri } = around.settings
  const linkFor = (host: string | string[] | undefined): string | undefined =>
    webSocketUri ?? (typeof host === 'string' ? `wss://${host}${path}` : undefined)
  const withdrawals = [
    web.offer({
      path,
      subprotocol: 'xmpp',
      purpose: 'XMPP clients (WebSocket)',
      kind: 'text',
      framing: 'messages',
      messageBytesMax: stanzaOctetsMax,
      accept: (connection) => sessions.add(serveFramed(connection, around, sessions)),
    }),
    web.page({
      path: '/.well-known/host-meta',
      answer: ({ headers }) => page(linkFor(headers['host']), 'application/xrd+xml', xrdOf),
    }),
    web.page({
      path: '/.well-known/host-meta.json',
      answer: ({ headers }) => page(linkFor(headers['host']), 'application/json', jrdOf),
    }),
  ]
  return () => {
    for (const withdraw of withdrawals) withdraw()
  }
}

function serveFramed(
  web: WebConnection,
  around: Omit<SessionEnvironment, 'onOver'>,
  sessions: Set<ClientSession>,
): ClientSession {
  const connection = new FramedConnection(web, around.settings.stanzaOctetsMax)
  const session = new ClientSession(connection, {
    ...around,
    isFramed: true,
    onOver: () => sessions.delete(session),
  })
  connection.onBadFrame = (condition) => session.fail(condition)
  return session
}

/** For pages of any site: there is nothing of the reader's in it (XEP-0156 §3). */
function page(link: string | undefined, type: string, write: (link: string) => string) {
  if (link === undefined) return { status: 400, body: 'no host is named\n' }
  return {
    status: 200,
    headers: { 'Content-Type': `${type}; charset=utf-8`, 'Access-Control-Allow-Origin': '*' },
    body: write(link),
  }
}

function xrdOf(link: string): string {
  return (
    "<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n" +
    `  <Link rel='${relation}' href='${escapeValue(link)}'/>\n</XRD>\n`
  )
}

function jrdOf(link: string): string {
  return `${JSON.stringify({ links: [{ rel: relation, href: link }] })}\n`
}
