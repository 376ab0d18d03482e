// What is asked of name servers and what is made of their answers, with name servers on loopback that say what a test wants.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
import { type Answer, type DecodedPacket, decode, encode, type Packet } from 'dns-packet'
import { VirtualClock } from '#base'
import { DnsError, systemResolver } from './dns.ts'
import { DnsClient } from './dns-client.ts'

const authoritative = 0x0400
const truncated = 0x0200
const authentic = 0x0020

type Reply = Packet | Buffer | undefined
type Script = (question: { name: string; type: string; packet: DecodedPacket }, overTcp: boolean) => Reply

const stops: (() => void)[] = []
after(() => {
  for (const stop of stops) stop()
})

/** Answers by the script over UDP and TCP on one port; `asked` is every question in its order. */
async function nameServer(script: Script): Promise<{ server: string; asked: string[] }> {
  const asked: string[] = []
  const reply = (octets: Buffer, overTcp: boolean): Buffer | undefined => {
    const packet = decode(octets)
    const question = packet.questions?.[0] ?? assert.fail('no question')
    asked.push(`${question.type} ${question.name}${overTcp ? ' over TCP' : ''}`)
    const said = script({ ...question, packet }, overTcp)
    if (said === undefined || Buffer.isBuffer(said)) return said
    return encode({ type: 'response', id: packet.id ?? 0, questions: [question], ...said })
  }
  const tcp = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (octets) => {
      const said = reply(octets.subarray(2), true)
      if (said === undefined) return socket.destroy()
      const length = Buffer.alloc(2)
      length.writeUInt16BE(said.length)
      // In pieces, as a network may bring it.
      for (const octet of Buffer.concat([length, said])) socket.write(Buffer.of(octet))
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', (octets, from) => {
    const said = reply(octets, false)
    if (said !== undefined) udp.send(said, from.port, from.address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  stops.push(() => {
    udp.close()
    tcp.close()
  })
  return { server: `127.0.0.1:${port}`, asked }
}

const srv = (name: string, target: string, ttl = 60): Answer => ({
  type: 'SRV',
  name,
  ttl,
  data: { priority: 5, weight: 0, port: 5222, target },
})
const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, ttl, data })
const alias = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data })
const soa = (name: string, ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name,
  ttl,
  data: { mname: name, rname: name, serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})
const nxdomain = authoritative | 3

test('a server that fails for one family of addresses does not hide the other (RFC 4074 §4)', async () => {
  const { server } = await nameServer(({ name, type }) => {
    if (name === 'four.example' && type === 'A') return { answers: [a(name, '192.0.2.7')] }
    if (name === 'six.example' && type === 'AAAA')
      return { answers: [{ type: 'AAAA', name, ttl: 1, data: '2001:db8::1' }] }
    return name === 'half.example' && type === 'A' ? { flags: nxdomain } : { flags: 2 }
  })
  const resolver = systemResolver({ servers: [server], secondsMax: 2 })
  assert.deepEqual(await resolver.addresses('four.example'), ['192.0.2.7'])
  assert.deepEqual(await resolver.addresses('six.example'), ['2001:db8::1'])
  await assert.rejects(resolver.addresses('half.example'), /AAAA half\.example: ESERVFAIL/)
})

test('the system resolver reads SRV, NAPTR, A and AAAA; nothing there is empty, a broken server is an error', async () => {
  const { server } = await nameServer(({ name, type }) => {
    if (name === '_x._tcp.example.com') return { answers: [srv(name, 'x.example')] }
    if (name === 'x.example' && type === 'A') return { answers: [a(name, '192.0.2.7')] }
    if (name === 'x.example' && type === 'AAAA')
      return { answers: [{ type: 'AAAA', name, ttl: 1, data: '2001:db8::1' }] }
    if (type === 'NAPTR') {
      const data = { flags: 'S', services: 'SIP+D2U', regexp: '', replacement: '_sip._udp.example.com' }
      const of = (order: number, preference: number): Answer => ({
        type,
        name,
        ttl: 1,
        data: { ...data, order, preference },
      })
      return { answers: [of(2, 1), of(1, 9), of(1, 2)] }
    }
    return name === 'broken.example' ? { flags: 2 } : { flags: nxdomain }
  })
  const resolver = systemResolver({ servers: [server], secondsMax: 2 })
  assert.deepEqual(await resolver.srv('_x._tcp.example.com'), [
    { priority: 5, weight: 0, target: 'x.example', port: 5222 },
  ])
  assert.deepEqual(await resolver.addresses('x.example'), ['2001:db8::1', '192.0.2.7'])
  assert.deepEqual(
    (await resolver.naptr('example.com')).map(({ order, preference }) => [order, preference]),
    [
      [1, 2],
      [1, 9],
      [2, 1],
    ],
  )
  assert.deepEqual((await resolver.naptr('example.com'))[0], {
    order: 1,
    preference: 2,
    flags: 's',
    service: 'SIP+D2U',
    replacement: '_sip._udp.example.com',
  })
  assert.deepEqual(await resolver.srv('_x._tcp.none.example'), [])
  assert.deepEqual(await resolver.addresses('none.example'), [])
  await assert.rejects(resolver.srv('broken.example'), (error: Error) => {
    assert.ok(error instanceof DnsError)
    assert.equal(error.code, 'ESERVFAIL')
    return true
  })
})

test('an answer is kept as long as it says, an empty one as its SOA says (RFC 1035 §7.4, RFC 2308 §5)', async () => {
  const { server, asked } = await nameServer(({ name }) => {
    if (name === 'kept.example') return { answers: [srv(name, 'x', 60)] }
    if (name === 'once.example') return { answers: [srv(name, 'x', 0)] }
    if (name === 'none.example') return { flags: nxdomain, authorities: [soa('example', 30, 600)] }
    if (name === 'long.example') return { answers: [srv(name, 'x', 10_000_000)] }
    return { flags: nxdomain }
  })
  const clock = new VirtualClock()
  const resolver = systemResolver({ servers: [server], clock })
  /** Seconds after which it is asked again, tried at those. */
  const asksAt = async (name: string, seconds: readonly number[]): Promise<number[]> => {
    const found: number[] = []
    const begin = clock.monotonic()
    for (const second of seconds) {
      clock.advance(begin + second * 1000 - clock.monotonic())
      const before = asked.length
      await resolver.srv(name)
      if (asked.length > before) found.push(second)
    }
    return found
  }
  assert.deepEqual(await asksAt('kept.example', [0, 1, 59, 60]), [0, 60])
  assert.deepEqual(await asksAt('once.example', [0, 0]), [0, 0])
  assert.deepEqual(await asksAt('none.example', [0, 29, 30]), [0, 30])
  assert.deepEqual(await asksAt('bare.example', [0, 0]), [0, 0], 'RFC 2308 §5: without SOA it is not kept')
  assert.deepEqual(await asksAt('long.example', [0, 86_399, 86_400]), [0, 86_400])
})

test('who asks the same meanwhile waits for the same answer; case and dot say nothing (RFC 4343)', async () => {
  const { server, asked } = await nameServer(({ name }) => ({ answers: [srv(name.toUpperCase(), 'x')] }))
  const resolver = systemResolver({ servers: [server] })
  const found = await Promise.all(['a.example', 'A.example', 'a.example'].map((name) => resolver.srv(name)))
  assert.deepEqual([found.map((one) => one.length), asked.length], [[1, 1, 1], 1])
})

test('aliases are followed, in one answer or by asking on, with the shortest life, and not in a circle (RFC 1034 §3.6.2)', async () => {
  const { server, asked } = await nameServer(({ name }) => {
    if (name === 'one.example')
      return { answers: [alias(name, 'two.example', 7), a('two.example', '192.0.2.1')] }
    if (name === 'far.example') return { answers: [alias(name, 'one.example', 90)] }
    if (name === 'dead.example')
      return { answers: [alias(name, 'x.example')], authorities: [soa('example', 5, 5)] }
    return { answers: [alias(name, name === 'ring.example' ? 'gnir.example' : 'ring.example')] }
  })
  const client = new DnsClient({ servers: [server] })
  assert.equal((await client.ask('one.example', 'A')).seconds, 7)
  const far = await client.ask('far.example', 'A')
  assert.deepEqual([far.records.length, far.seconds], [1, 7])
  assert.deepEqual((await client.ask('dead.example', 'A')).records, [])
  assert.deepEqual(asked, ['A one.example', 'A far.example', 'A one.example', 'A dead.example'])
  await assert.rejects(client.ask('ring.example', 'A'), /EBADALIAS/)
  assert.ok(asked.length < 20)
})

test('a truncated answer is fetched over TCP (RFC 7766); without EDNS where a server knows none (RFC 6891 §7)', async () => {
  const many = Array.from({ length: 100 }, (_, at) => srv('big.example', `host-number-${at}.example`))
  const { server, asked } = await nameServer(({ name, packet }, overTcp) => {
    if (name === 'old.example')
      return (packet.additionals?.length ?? 0) > 0 ? { flags: 1 } : { answers: [srv(name, 'x')] }
    return overTcp ? { answers: many } : { flags: truncated }
  })
  const client = new DnsClient({ servers: [server] })
  assert.equal((await client.ask('big.example', 'SRV')).records.length, 100)
  assert.equal((await client.ask('old.example', 'SRV')).records.length, 1)
  assert.deepEqual(asked, [
    'SRV big.example',
    'SRV big.example over TCP',
    'SRV old.example',
    'SRV old.example',
  ])
})

test('octets that are no answer to the question are not taken for one (RFC 5452 §9)', async () => {
  const forged: Record<string, (packet: DecodedPacket) => Buffer> = {
    'noise.example': () => Buffer.from('not DNS at all'),
    'other-id.example': (packet) =>
      encode({
        type: 'response',
        id: ((packet.id ?? 0) + 1) % 65_536,
        questions: packet.questions ?? [],
        answers: [srv('other-id.example', 'evil')],
      }),
    'other-name.example': (packet) =>
      encode({
        type: 'response',
        id: packet.id ?? 0,
        questions: [{ type: 'SRV', name: 'evil.example' }],
        answers: [srv('evil.example', 'evil')],
      }),
    'a-question.example': (packet) =>
      encode({ type: 'query', id: packet.id ?? 0, questions: packet.questions ?? [] }),
  }
  const { server } = await nameServer(({ name, packet }) => forged[name]?.(packet))
  for (const name of Object.keys(forged)) {
    await assert.rejects(
      new DnsClient({ servers: [server], secondsMax: 0.2 }).ask(name, 'SRV'),
      /ETIMEOUT/,
      name,
    )
  }
})

test('another server is asked where one is dead, silent or broken, within the time for all', async () => {
  const good = await nameServer(({ name }) => ({ answers: [srv(name, 'x')] }))
  const silent = await nameServer(() => undefined)
  const broken = await nameServer(() => ({ flags: 2 }))
  const gone = '127.0.0.1:1'
  for (const bad of [silent.server, broken.server, gone]) {
    const client = new DnsClient({ servers: [bad, good.server], secondsMax: 1 })
    assert.equal((await client.ask('x.example', 'SRV')).records.length, 1, bad)
  }
  await assert.rejects(new DnsClient({ servers: [gone] }).ask('x.example', 'SRV'), /ECONNREFUSED/)
  await assert.rejects(new DnsClient({ servers: [] }).ask('x.example', 'SRV'), /ENOSERVER/)
})

test('validated counts where the name server is this machine’s, or the operator trusts the way to it (RFC 4035 §3.2.3)', async () => {
  const { server } = await nameServer(({ name, packet }) => ({
    // RFC 6840 §5.7: it is said to those who ask for it.
    flags: name === 'signed.example' && packet.flag_ad ? authentic : 0,
    answers: [srv(name, 'x')],
  }))
  const resolver = systemResolver({ servers: [server] })
  const secure = async (name: string): Promise<unknown> => {
    const records = await resolver.srv(name)
    return records === 'unavailable' ? records : records[0]?.secure
  }
  assert.equal(await secure('signed.example'), true)
  assert.equal(await secure('plain.example'), undefined)
  assert.equal(new DnsClient({ servers: ['127.0.0.53', '[::1]:53'] }).isLocal, true)
  assert.equal(new DnsClient({ servers: ['127.0.0.53', '192.0.2.1'] }).isLocal, false)
})

test('a name server is an address', () => {
  assert.throws(() => new DnsClient({ servers: ['ns.example'] }), TypeError)
})

test('LIMIT: questions at once; the others wait for their turn and are all answered', async () => {
  let open = 0
  let most = 0
  const { server } = await nameServer(({ name }) => {
    most = Math.max(most, ++open)
    setImmediate(() => open--)
    return { answers: [srv(name, 'x')] }
  })
  const client = new DnsClient({ servers: [server] })
  const names = Array.from({ length: 600 }, (_, at) => `n${at}.example`)
  const answers = await Promise.all(names.map((name) => client.ask(name, 'SRV')))
  assert.equal(answers.filter(({ records }) => records.length === 1).length, 600)
  assert.ok(most <= 256)
})
