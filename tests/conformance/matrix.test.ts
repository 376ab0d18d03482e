// The matrix of protocols, from what is in tests/transcripts: each kind of thing that crosses between two of them has its script, and the script does what
// its place says. APEX and PRIM with everybody, both ways, in all kinds; of the others what is not in one script for all.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readScript, type Script } from '../transcripts/script.ts'

const here = new URL('../transcripts/', import.meta.url).pathname
const scripts = new Map(
  globSync('**/*.transcript', { cwd: here }).map((file) => [
    file.replace('.transcript', ''),
    readScript(file, readFileSync(`${here}${file}`, 'utf8')),
  ]),
)

const protocols = ['xmpp', 'sip', 'impp', 'prim', 'apex'] as const
type Protocol = (typeof protocols)[number]
type Pair = readonly [one: Protocol, other: Protocol]

const all: readonly Pair[] = protocols.flatMap((one) => protocols.map((other): Pair => [one, other]))
const late = (protocol: Protocol): boolean => protocol === 'apex' || protocol === 'prim'
const withLate = all.filter(([one, other]) => late(one) || late(other))

interface Kind {
  readonly what: string
  readonly file: (one: Protocol, other: Protocol) => string
  /** What happens in it, in this order, among other things; ` / ` stands between what may be either. */
  readonly steps: readonly string[]
  readonly pairs: readonly Pair[]
}

/** By a command, or by what a client of XMPP says itself. */
const word = (said: string): string => `owner ${said} / Juliet sends`
const change = ['Juliet sends', 'Romeo receives'] as const
const said = ['Romeo sends', 'Romeo receives'] as const
const sawNothing = ['Juliet sends', 'Romeo receives nothing'] as const

/** Romeo speaks the one protocol, Juliet the other. */
const kinds: readonly Kind[] = [
  {
    what: 'a message',
    file: (one, other) => `messages/${one}-to-${other}`,
    steps: ['Romeo sends', 'Juliet receives', 'Romeo sends', 'Juliet receives'],
    pairs: all,
  },
  {
    what: 'a message for somebody absent',
    file: (one, other) => `absent/${one}-to-${other}`,
    steps: ['Romeo sends', 'Juliet signs in', 'Juliet receives', 'Juliet receives nothing'],
    pairs: all,
  },
  {
    what: 'the life of a subscription: asked, approved, three changes, ended',
    file: (one, other) => `subscriptions/${one}-watches-${other}`,
    steps: [...said, word('approves'), ...change, ...change, ...change, ...said, 'Romeo receives nothing'],
    pairs: all,
  },
  {
    what: 'a subscription refused',
    file: (one, other) => `subscriptions/${one}-watches-${other}-refused`,
    steps: [...said, word('refuses'), 'Romeo receives', ...sawNothing],
    pairs: all,
  },
  {
    what: 'a subscription withdrawn',
    file: (one, other) => `subscriptions/${one}-watches-${other}-withdrawn`,
    steps: [...said, word('approves'), ...change, word('refuses'), 'Romeo receives', ...sawNothing],
    pairs: all,
  },
  {
    what: 'polite blocking: presence looks like an absence, and messages are refused',
    file: (one, other) => `access/${one}-politely-blocked-by-${other}`,
    steps: ['owner politely blocks', ...said, ...sawNothing, ...said, 'Juliet receives nothing'],
    pairs: withLate,
  },
  {
    what: 'who is blocked is refused: messages, and presence',
    file: (one, other) => `refusals/${one}-by-${other}`,
    steps: ['owner blocks', ...said, ...said],
    pairs: withLate,
  },
  {
    what: 'a device that says no for its person, and one that can not',
    file: (one, other) => `refusals/${one}-by-${other}`,
    steps: ['Juliet receives', 'Juliet answers', 'Juliet receives', 'Juliet answers', 'owner blocks'],
    // RFC 6121 §8.5: a client of XMPP has no such answer.
    pairs: withLate.filter(([, other]) => other !== 'xmpp'),
  },
  {
    what: 'what ends with its lease, and a subscription that does',
    file: (one, other) => `leases/${other}-seen-by-${one}`,
    steps: [
      'Juliet sends',
      ...said,
      'time passes',
      'Romeo receives',
      'time passes',
      'Romeo receives nothing',
    ],
    pairs: withLate,
  },
  {
    what: 'octets as they are',
    file: (one, other) => octets.get([one, other].sort().join()) ?? '',
    steps: [],
    pairs: all.filter((pair) => pair[0] !== pair[1] && !pair.includes('xmpp')),
  },
]

/** Which script carries them; each goes both ways. */
const octets: ReadonlyMap<string, string> = new Map([
  ['apex,sip', 'content/signed-between-apex-and-others'],
  ['apex,impp', 'content/signed-between-apex-and-others'],
  ['apex,prim', 'content/signed-between-apex-and-prim'],
  ['prim,sip', 'content/signed-between-prim-and-others'],
  ['impp,prim', 'content/signed-between-prim-and-others'],
  ['impp,sip', 'content/signed-between-sip-and-impp'],
])

function happens({ steps }: Script, wanted: readonly string[]): boolean {
  let at = 0
  for (const step of steps) if (wanted[at]?.split(' / ').includes(saidOf(step))) at++
  return at === wanted.length
}

/** A step without who else, how long, in which order and in which words. */
function saidOf({ who, what }: Script['steps'][number]): string {
  if (who === '')
    return what.replace(/^\S+@\S+ (.*) \S+@\S+$/, 'owner $1').replace(/^time passes .*/, 'time passes')
  const plain = what
    .replace(' in any order', '')
    .replace('registers', 'signs in')
    .replace(/^answers .*/, 'answers')
  return `${personOf(who)} ${plain}`
}

/** Juliet, JulietLater and JulietPhone are one person. */
function personOf(party: string): string {
  return /^(Romeo|Juliet)/.exec(party)?.[1] ?? party
}

function faultOf({ file, steps }: Kind, [one, other]: Pair): string | undefined {
  const name = file(one, other)
  const script = scripts.get(name)
  if (script === undefined) return `there is no ${name}`
  const isOctets = name.startsWith('content/')
  const spoken = new Set(script.parties.map(({ protocol }) => protocol))
  const romeo = script.parties.find((party) => party.name === 'Romeo')
  const juliet = script.parties.find((party) => personOf(party.name) === 'Juliet')
  if (!isOctets && romeo?.protocol !== one) return `${name}: Romeo does not speak ${one}`
  if (!isOctets && juliet?.protocol !== other) return `${name}: Juliet does not speak ${other}`
  if (!spoken.has(one) || !spoken.has(other)) return `${name}: not both are spoken`
  if (isOctets) return crosses(script, one, other) ? undefined : `${name}: no octets from ${one} to ${other}`
  return happens(script, steps) ? undefined : `${name} does something else`
}

/** Whether octets that a party of the one sends are received as they are by one of the other. */
function crosses({ parties, steps }: Script, one: Protocol, other: Protocol): boolean {
  const protocolOf = (name: string): string | undefined =>
    parties.find((party) => party.name === name)?.protocol
  return steps.some(({ who, what }) => {
    const from = /^receives the octets of (\w+)$/.exec(what)?.[1]
    return from !== undefined && protocolOf(who) === other && protocolOf(from) === one
  })
}

describe('the matrix of protocols in transcripts', () => {
  for (const kind of kinds)
    test(`${kind.what}: ${kind.pairs.length} pairs`, () => {
      assert.deepEqual(
        kind.pairs.map((pair) => faultOf(kind, pair)).filter((fault) => fault !== undefined),
        [],
      )
    })

  test('several devices: APEX and PRIM beside each other and beside each of the others', () => {
    for (const [one, other] of withLate.filter((pair) => pair[0] !== pair[1])) {
      const script = scripts.get(`devices/${one}-and-${other}`) ?? scripts.get(`devices/${other}-and-${one}`)
      const devices = script?.parties.filter(({ words }) => words[0]?.startsWith('juliet@'))
      assert.deepEqual(
        devices?.map(({ protocol }) => protocol).sort(),
        [one, other].sort(),
        `${one} and ${other}`,
      )
    }
    for (const one of protocols.filter(late)) {
      const devices = scripts.get(`devices/${one}-and-others`)?.parties ?? []
      assert.ok(devices.filter(({ protocol }) => protocol === one).length > 1, `${one} twice`)
    }
  })

  /** Errors that do not depend on what the other side speaks. */
  for (const file of ['limits/mailbox-full', 'limits/too-large', 'moved/words'])
    test(`${file}: told in the words of every protocol`, () => {
      const script = scripts.get(file)
      assert.ok(script)
      for (const protocol of protocols) {
        const party = script.parties.find(
          (each) => each.protocol === protocol && sendsAndHears(script, each.name),
        )
        assert.ok(party, `nobody is told by ${protocol}`)
      }
    })

  test('whom nobody knows: told in the words of every protocol', () => {
    for (const protocol of protocols) {
      const script = scripts.get(`unknown/by-${protocol}`)
      assert.equal(script?.parties[0]?.protocol, protocol)
    }
  })
})

function sendsAndHears({ steps }: Script, name: string): boolean {
  const at = steps.findIndex(({ who, what }) => who === name && what === 'sends')
  return at >= 0 && steps.slice(at).some(({ who, what }) => who === name && what === 'receives')
}

test('a script that is not there, or is another, is found', () => {
  const [message] = kinds
  assert.ok(message)
  assert.match(faultOf({ ...message, file: () => 'messages/none' }, ['apex', 'sip']) ?? '', /there is no/)
  assert.match(faultOf({ ...message, file: () => 'messages/sip-to-apex' }, ['apex', 'sip']) ?? '', /Romeo/)
  assert.match(faultOf({ ...message, steps: ['owner blocks'] }, ['apex', 'sip']) ?? '', /something else/)
})
