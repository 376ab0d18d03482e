// People here, a domain elsewhere, and a link between that a test takes down and up.
import type { Device } from './devices.ts'
import { message, type Sketch, type TestEnvelope, testProtocol } from './envelopes.ts'
import { type ScriptedLink, ScriptedPeerProtocol } from './peers.ts'
import { createWorld, send, settled, type World, type WorldOptions, wordOf } from './world.ts'

export const [romeo, mercutio] = ['romeo@verona.example', 'mercutio@verona.example'] as const
export const [juliet, nurse] = ['juliet@capulet.example', 'nurse@capulet.example'] as const
const far = 'capulet.example'

export interface RelayStage extends World {
  readonly protocol: ScriptedPeerProtocol
  readonly link: ScriptedLink
}

export async function relayStage(options: Partial<WorldOptions> = {}): Promise<RelayStage> {
  const protocol = new ScriptedPeerProtocol([far])
  const world = await createWorld({ accounts: [romeo, mercutio], peers: [protocol], ...options })
  // So that the way is known, and answers come in the tick.
  world.service.peers.find(far, 'messages', testProtocol, () => {})
  await settled()
  return { ...world, protocol, link: protocol.linkTo(far) }
}

/** A message of Romeo's to Juliet, unless it is said otherwise. */
export function toJuliet(id: string, more: Partial<Sketch> = {}): TestEnvelope {
  return message({ from: romeo, to: juliet, id, ...more })
}

/** Sends it; what its sender was told, in one word. */
export async function word(world: World, id: string, more: Partial<Sketch> = {}): Promise<string> {
  return wordOf(await send(world, toJuliet(id, more)))
}

/** What a device was told of its messages. */
export function reportsOf(device: Device): unknown[] {
  const reports = device.received.filter(({ envelope }) => envelope.head.kind === 'report')
  return reports.map(({ envelope }) => envelope.view())
}

export async function queuedIds({ store }: World): Promise<string[]> {
  return (await store.queued(far, 0, 1000)).map(({ head }) => head.id)
}

/** Lets a retry that is due come, and all that follows from it. */
export async function after(world: World, ms: number): Promise<void> {
  world.clock.advance(ms)
  await settled()
}
