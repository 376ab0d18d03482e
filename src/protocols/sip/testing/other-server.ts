// A server of another domain by hand, for tests: it answers as it is told and remembers what came.

import assert from 'node:assert/strict'
import { ownBytes } from '#base'
import type { Connection } from '#net'
import { encodeResponse, type ResponseParts } from '../codec/encode.ts'
import { parseMessage, type SipRequest, type SipResponse } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { type Side, TwoDomains } from './two-domains.ts'

export class OtherServer {
  readonly requests: SipRequest[] = []
  readonly responses: SipResponse[] = []
  connection: Connection | undefined
  answers: (request: SipRequest) => ResponseParts | undefined = () => ({ status: 200, toTag: 'there' })

  constructor(town: TwoDomains, where: string) {
    town.listeners.set(where, (connection) => {
      this.connection = connection
      connection.start({
        onData: (octets) => this.#receive(ownBytes(octets)),
        onClose: () => undefined,
      })
    })
  }

  raw(text: string): void {
    this.connection?.write(Buffer.from(text))
  }

  answer(request: SipRequest, parts: ResponseParts): void {
    const none = { received: undefined, rport: undefined }
    this.connection?.write(encodeResponse(request, topVia(request), none, parts))
  }

  last(method: string): SipRequest {
    return this.requests.findLast((one) => one.method === method) ?? assert.fail(`no ${method} came`)
  }

  #receive(octets: Uint8Array): void {
    const message = parseMessage(octets)
    if (message.kind === 'response') this.responses.push(message)
    if (message.kind !== 'request') return
    this.requests.push(message)
    const parts = message.method === 'ACK' ? undefined : this.answers(message)
    if (parts !== undefined) this.answer(message, parts)
  }
}

/** Capulet's servers by hand, in the order of their priority. */
export async function byHand(
  ...addresses: string[]
): Promise<{ town: TwoDomains; here: Side; servers: OtherServer[] }> {
  const { town, here } = await TwoDomains.make()
  town.srv['_sip._tcp.capulet.example'] = addresses.map((target, priority) => ({
    priority,
    weight: 0,
    target,
    port: 5060,
  }))
  for (const address of addresses) town.listeners.delete(`${address}:5060`)
  return { town, here, servers: addresses.map((address) => new OtherServer(town, `${address}:5060`)) }
}
