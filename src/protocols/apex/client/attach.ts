// Attaching (RFC 3340 §4.4.1): in the start of the channel, as the person where that is free, else as the person's application for talk.

import { randomId, utf8 } from '#base'
import type { Address } from '#model'
import type { StartOutcome } from '#protocols/beep'
import {
  apexProfile,
  attachDocument,
  endpointOf,
  isRefusal,
  readMessage,
  talkSubaddress,
} from '../codec/index.ts'
import type { Conversation } from './conversation.ts'
import { ConnectionLost, Refused } from './failures.ts'
import type { ClientSession } from './log-in.ts'

/**
 * @param talks whether messages are sent or taken: then the endpoint is the person's, so that answers find the way; else one of its own,
 * which no other application is in the way of
 */
export async function attach(
  session: ClientSession,
  address: Address,
  talks: boolean,
  conversation: Conversation,
): Promise<Conversation> {
  const subaddresses = talks ? ['', talkSubaddress] : [`verona-${randomId(6)}`]
  const channel = await session.first(
    new Promise<StartOutcome>((resolve) =>
      session.beep.start(
        {
          profiles: [{ uri: apexProfile, content: utf8(documentOf(conversation, address, subaddresses[0])) }],
          serverName: address.domain,
          handler: conversation,
        },
        resolve,
      ),
    ),
  )
  if (channel.kind === 'lost') throw new ConnectionLost(await session.closed)
  if (channel.kind === 'refused')
    throw new ConnectionLost(`the server serves no APEX (${channel.error.code})`)
  conversation.channel = channel.channel
  const answer = readMessage(channel.content)
  if (!isRefusal(answer) && answer.kind === 'ok') return conversation
  const code = !isRefusal(answer) && answer.kind === 'error' ? answer.code : 550
  const [, other] = subaddresses
  if (code !== 554 || other === undefined) throw refusalOf(code, address)
  return conversation.sayDocument(documentOf(conversation, address, other)).then(
    () => conversation,
    (error: unknown) => {
      throw error instanceof Refused ? refusalOf(error.code, address) : error
    },
  )
}

function documentOf(conversation: Conversation, address: Address, subaddress = ''): string {
  conversation.endpoint = endpointOf(address, subaddress)
  return attachDocument(conversation.endpoint, conversation.freshTransId())
}

function refusalOf(code: number, { key }: Address): Refused {
  return code === 554
    ? new Refused(code, `other applications are attached as ${key} already`, 'conflict')
    : new Refused(code)
}
