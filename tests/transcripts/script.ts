// Reads a transcript: who signs in, who sends what, who receives what. The format is in this folder's README.

export interface Declaration {
  readonly name: string
  readonly protocol: string
  /** What the protocol's party makes of the rest: address and options. */
  readonly words: readonly string[]
}

export interface Step {
  readonly line: number
  /** The party's name; empty for a step about the world. */
  readonly who: string
  /** `sends`, `receives`, `receives nothing`, `answers 200`, ... */
  readonly what: string
  /** The indented lines below, with the common indentation taken off. */
  readonly block: string
}

/** A server of a script that has several. */
export interface Resident {
  readonly domain: string
  /** Further domains of the same server; each then has a certificate of its own there. */
  readonly also: readonly string[]
  /** By which protocols it speaks with other domains. */
  readonly announced: readonly string[]
  /** Whose certificate it shows, and whether the others trust its authority. */
  readonly certificate: string
  readonly trusted: boolean
  /** Its names lead to the server of that domain, which does not have it. */
  readonly at: string | undefined
  /** Only its certificate is known, and names of servers where nobody answers: a party of the script speaks for it. */
  readonly elsewhere: boolean
}

export interface Script {
  readonly title: string
  /** `address` or `address password` a line. */
  readonly accounts: readonly { readonly address: string; readonly password: string }[]
  /** Where there are several servers: each of them. */
  readonly residents: readonly Resident[]
  /** TOML laid over the settings of every server of the test, and over those of one. */
  readonly settings: string
  readonly settingsOf: ReadonlyMap<string, string>
  readonly parties: readonly Declaration[]
  readonly steps: readonly Step[]
}

interface Paragraph {
  readonly line: number
  readonly head: string
  readonly block: string
}

/** Lines that begin at the margin, each with what is indented below it. */
function paragraphs(text: string): Paragraph[] {
  const found: { line: number; head: string; lines: string[] }[] = []
  text.split('\n').forEach((raw, at) => {
    if (raw.startsWith('#')) return
    const last = found.at(-1)
    if (/^\s/.test(raw) || raw === '') {
      if (last !== undefined) last.lines.push(raw)
    } else found.push({ line: at + 1, head: raw.trim(), lines: [] })
  })
  return found.map(({ line, head, lines }) => ({ line, head, block: dedented(lines) }))
}

function dedented(lines: readonly string[]): string {
  const kept = [...lines]
  while (kept.length > 0 && kept.at(-1)?.trim() === '') kept.pop()
  const margins = kept.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)?.[0].length ?? 0)
  const margin = Math.min(...margins, Number.MAX_SAFE_INTEGER)
  return kept.map((line) => line.slice(margin)).join('\n')
}

/** Reads the whole; throws with file and line where it can't. */
export function readScript(file: string, text: string): Script {
  const title = /^# (.*)/.exec(text)?.[1]
  if (title === undefined) throw new Error(`${file}:1: begins with "# " and a sentence`)
  const script = {
    title,
    accounts: [] as Script['accounts'][number][],
    residents: [] as Resident[],
    settings: '',
    settingsOf: new Map<string, string>(),
    parties: [] as Declaration[],
    steps: [] as Step[],
  }
  for (const { line, head, block } of paragraphs(text)) {
    const declared = /^(\w+) = (\w+) (.+)$/.exec(head)
    const step = /^(\w+) (.+)$/.exec(head)
    if (head === 'accounts') {
      for (const entry of block.split('\n').filter(Boolean)) {
        const [address, password = 'secret'] = entry.trim().split(/\s+/)
        script.accounts.push({ address: address as string, password })
      }
    } else if (head === 'servers') script.residents.push(...block.split('\n').filter(Boolean).map(residentOf))
    else if (head === 'settings') script.settings = block
    else if (head.startsWith('settings ')) script.settingsOf.set(head.slice('settings '.length), block)
    else if (declared !== null) {
      const [, name, protocol, words] = declared as unknown as [string, string, string, string]
      script.parties.push({ name, protocol, words: words.split(/\s+/) })
    } else if (step !== null && script.parties.some((party) => party.name === step[1])) {
      script.steps.push({ line, who: step[1] as string, what: step[2] as string, block })
    } else script.steps.push({ line, who: '', what: head, block })
  }
  return script
}

/** `domain protocol...`, `also=DOMAIN`, `at=DOMAIN`, `certificate=DOMAIN`, `untrusted`, `elsewhere`. */
function residentOf(line: string): Resident {
  const [domain = '', ...words] = line.trim().split(/\s+/)
  const shown = words.find((word) => word.startsWith('certificate='))?.slice('certificate='.length)
  return {
    domain,
    also: words.filter((word) => word.startsWith('also=')).map((word) => word.slice('also='.length)),
    announced: words.filter((word) => !['untrusted', 'elsewhere'].includes(word) && !word.includes('=')),
    certificate: shown ?? domain,
    at: words.find((word) => word.startsWith('at='))?.slice('at='.length),
    trusted: !words.includes('untrusted'),
    elsewhere: words.includes('elsewhere'),
  }
}
