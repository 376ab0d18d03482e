// A client by hand over real TLS.
import assert from 'node:assert/strict'
import { type Connection, connectTcp, listenTcp, type TlsContext } from '#net'
import { ownUnit } from '#wire/exchange'
import { type ImppResponse, requestBytes, UnitFramer } from '../codec/index.ts'
import { serveClient } from '../protocol.ts'
import type { SessionEnvironment } from '../session-environment.ts'
import { fixture } from './fixture.ts'

export type Ask = (method: string, fields?: Record<string, string>) => Promise<ImppResponse>

export interface Secured {
  readonly ask: Ask
  readonly connection: Connection
  /** The OK to the HELLO behind the handshake. */
  readonly hello: ImppResponse
}

/** A connection on which TLS has begun and HELLO was said again. */
export async function secured(
  t: { after(run: () => unknown): void },
  tls: TlsContext,
  client: TlsContext,
  change: (environment: SessionEnvironment) => Promise<SessionEnvironment> = async (environment) =>
    environment,
): Promise<Secured> {
  const environment = await change({ ...(await fixture()).environment, tls })
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => void serveClient(connection, environment),
  })
  const connection = await connectTcp({ host: '127.0.0.1', port: listener.port })
  t.after(async () => {
    connection.destroy()
    await listener.close()
  })
  const framer = new UnitFramer()
  let onResponse: (response: ImppResponse) => void = () => {}
  const { promise: isSecure, resolve: onSecure } = Promise.withResolvers<void>()
  connection.start({
    onData: (octets) => {
      framer.push(octets)
      for (let unit = framer.next(); unit !== undefined; unit = framer.next())
        if (unit.kind === 'response') onResponse(ownUnit(unit))
    },
    onSecure,
    onClose: () => {},
  })
  const ask: Ask = (method, fields = {}) =>
    new Promise((resolve) => {
      onResponse = resolve
      connection.write(requestBytes(method, 'r1', Object.entries(fields)))
    })
  await ask('HELLO', { Domain: 'example.com' })
  assert.ok((await ask('STARTTLS')).ok)
  connection.startTls(client, { server: false, servername: 'example.com' })
  await isSecure
  return { ask, connection, hello: await ask('HELLO', { Domain: 'example.com' }) }
}
