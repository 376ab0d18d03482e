// A disk that is full while messages are stored: their senders are refused, nothing that was acknowledged is lost, the server
// stays, and goes on when there is room.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { openSqliteStore } from '#store'
import { ImppPerson, SipPerson, XmppPerson } from './people.ts'
import { Stand, until } from './stand.ts'

const accounts = ['alice', 'bob', 'carol', 'absent']
const text = 'x'.repeat(30_000)

const directories: string[] = []
after(() => {
  for (const directory of directories) {
    spawnSync('umount', ['-l', directory])
    rmSync(directory, { recursive: true, force: true })
  }
})

function ownDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'verona-disk-'))
  directories.push(directory)
  return directory
}

/** A file system of a few MB, where we may mount one; else undefined. */
function smallDisk(): string | undefined {
  if (process.getuid?.() !== 0) return undefined
  const directory = ownDirectory()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'none', directory])
  return mounted.status === 0 ? directory : undefined
}

interface Sent {
  readonly acknowledged: number[]
  readonly refusals: string[]
}

/** Sends to somebody absent until refusals come; by IMPP, whose OK is the acknowledgement. */
async function fill(sender: ImppPerson, from: number, count: number): Promise<Sent> {
  const sent: Sent = { acknowledged: [], refusals: [] }
  for (let k = from; k < from + count && sent.refusals.length < 3; k++) {
    const id = sender.request(
      'SEND',
      ['Target: impp://localhost/absent', `Message-ID: m${k}`, 'Content-Type: text/plain'],
      `number ${k}. ${text}`,
    )
    const answer = await sender.answer(id)
    if (answer.startsWith('OK')) sent.acknowledged.push(k)
    else sent.refusals.push(/^Reason: (.*)\r$/m.exec(answer)?.[1] ?? answer)
  }
  return sent
}

/** The whole life: full, refused, room, on again, and everything acknowledged comes once. */
async function live(context: TestContext, stand: Stand, makeRoom: (() => void) | undefined): Promise<void> {
  const bob = await ImppPerson.logIn(stand, 'bob')
  const alice = await XmppPerson.logIn(stand, 'alice')
  const carol = await SipPerson.open(stand, 'carol')
  const first = await fill(bob, 0, 1000)
  assert.ok(first.acknowledged.length > 5, `${first.acknowledged.length} were stored`)
  assert.deepEqual([...new Set(first.refusals)], ['temporarily-unavailable'])
  // Each protocol's own word for it, and nobody's connection is lost.
  alice.message('absent@localhost', 'full', text)
  const error = await alice.expect(/<message [^>]*type=['"]error['"][\s\S]*?<\/message>/)
  assert.match(error[0], /type=['"]wait['"]|service-unavailable|resource-constraint/)
  const refused = await carol.message('absent@localhost', text)
  assert.ok(refused.status >= 480 && refused.status < 600, refused.first)
  await alice.roundTrip()
  await bob.roundTrip()
  await carol.roundTrip()
  let acknowledged = first.acknowledged
  if (makeRoom !== undefined) {
    makeRoom()
    const second = await fill(bob, 2000, 5)
    assert.deepEqual(second.refusals, [])
    acknowledged = [...acknowledged, ...second.acknowledged]
  }
  const absent = await XmppPerson.logIn(stand, 'absent')
  const last = `number ${acknowledged.at(-1)}.`
  await until(
    () => absent.text.includes(last),
    () => last,
  )
  await absent.roundTrip()
  for (const k of acknowledged)
    assert.equal(absent.text.split(`>number ${k}.`).length, 2, `number ${k} came once`)
  assert.equal(absent.text.match(/<message /g)?.length, acknowledged.length, 'nothing that was refused came')
  context.diagnostic(`${acknowledged.length} messages were acknowledged`)
}

test('a full disk refuses what cannot be stored, and room lets it go on', async (context) => {
  const disk = smallDisk()
  if (disk === undefined) return context.skip('no small file system can be mounted here')
  const ballast = join(disk, 'ballast')
  const store = await openSqliteStore({ file: join(disk, 'verona.sqlite') })
  const stand = await Stand.open(context, { accounts, store })
  writeFileSync(ballast, Buffer.alloc(3_000_000))
  await live(context, stand, () => unlinkSync(ballast))
})

test('a database that has its greatest size refuses what cannot be stored, and the server stays', async (context) => {
  const directory = ownDirectory()
  const store = await openSqliteStore({ file: join(directory, 'verona.sqlite'), octetsMax: 2_000_000 })
  const stand = await Stand.open(context, { accounts, store })
  await live(context, stand, undefined)
})
