// verona peers [list] | show DOMAIN | set DOMAIN KEY=VALUE... | unset DOMAIN [KEY...] | retry DOMAIN | drop DOMAIN
import type { Command } from 'commander'
import type { PeerInfo } from '#admin'
import { sharesText } from '../diagnosis/shares.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson, printTable, visible } from '../print.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

export function addPeers(program: Command, context: CommandContext): void {
  const peers = program.command('peers').description('other domains: list, show, set, unset, retry, drop')
  withJson(
    withConfig(
      peers
        .command('list', { isDefault: true })
        .description('the domains that are connected, or for which messages wait')
        .action((options: Options) => list(context, options)),
    ),
  )
  withJson(
    withConfig(
      peers
        .command('show <domain>')
        .description('what is known of a domain, and what may be done with it')
        .action((domain: string, options: Options) => show(context, domain, options)),
    ),
  )
  withConfig(
    peers
      .command('set <domain> <settings...>')
      .description(
        'say what holds for a domain, by the keys of a [[peer]] table, as in tls=encrypted presence=false; it holds at once',
      )
      .action((domain: string, settings: string[], options: Options) =>
        set(context, domain, settings, options),
      ),
  )
  withConfig(
    peers
      .command('unset <domain> [keys...]')
      .description('take that out again: all of it, or some keys')
      .action((domain: string, keys: string[], options: Options) => unset(context, domain, keys, options)),
  )
  withConfig(
    peers
      .command('retry <domain>')
      .description('try a domain for which messages wait at once')
      .action((domain: string, options: Options) => retry(context, domain, options)),
  )
  withJson(
    withConfig(
      peers
        .command('drop <domain>')
        .description('give up the messages that wait for a domain; their senders are told that they failed')
        .action((domain: string, options: Options) => drop(context, domain, options)),
    ),
  )
}

async function list(context: CommandContext, options: Options): Promise<void> {
  const { terminal } = context
  const peers = await usingControl(context, options, (control) => control.peers())
  if (options.json === true) return printJson(terminal, peers.map(withTimes))
  if (peers.length === 0 && terminal.interactive) return terminal.err('no other domains yet\n')
  const header = ['DOMAIN', 'PROTOCOL', 'STATE', 'CONNECTIONS', 'WAITING', 'SINCE', 'IDENTITY', 'LAST ERROR']
  printTable(terminal, header, peers.flatMap(rowsOf))
}

/** A row a protocol; what waits stands in the first. */
function rowsOf({ domain, links, queue }: PeerInfo): string[][] {
  const waiting = queue === undefined ? ['', ''] : [String(queue.length), minute(queue.oldest)]
  if (links.length === 0) return [[domain, '', '', '', ...waiting, '', queue?.condition ?? '']]
  return links.map(({ protocol, state, connections, identity, lastError }, at) => {
    const first = at === 0 ? waiting : ['', '']
    return [
      at === 0 ? domain : '',
      protocol,
      state,
      String(connections.length),
      ...first,
      identity,
      lastError,
    ]
  })
}

async function show(context: CommandContext, domain: string, options: Options): Promise<void> {
  const { terminal } = context
  const peer = await usingControl(context, options, (control) => control.peer(domain))
  if (options.json === true) return printJson(terminal, withTimes(peer))
  for (const line of linesOf(peer)) terminal.out(`${visible(line)}\n`)
}

function linesOf(peer: PeerInfo): string[] {
  const { domain, policy, source, settings, links, queue } = peer
  const lines = [
    `${domain}: ${policyText(policy)}`,
    `  ${sourceText(source, settings)}`,
    ...sharesLines(peer),
  ]
  for (const { protocol, state, identity, lastError, connections } of links) {
    lines.push(`  ${protocol}: ${state}${identity === '' ? '' : `, ${identity}`}`)
    for (const connection of connections) lines.push(`    ${connection}`)
    if (lastError !== '') lines.push(`    last error: ${lastError}`)
  }
  if (links.length === 0) lines.push('  no link: nothing was exchanged since the server started')
  if (queue === undefined) return [...lines, '  nothing waits for it']
  const next = queue.nextTry === undefined ? 'tried now' : `next try ${second(queue.nextTry)}`
  const messages = queue.length === 1 ? '1 message waits' : `${queue.length} messages wait`
  return [...lines, `  ${messages}, the oldest since ${second(queue.oldest)}: ${queue.condition}, ${next}`]
}

function policyText({ allowed, protocol, trusted, messages, presence, calls }: PeerInfo['policy']): string {
  if (!allowed) return 'not spoken with, by our configuration'
  const facts = [messages ? 'messages' : 'no messages', presence ? 'presence' : 'no presence']
  if (!calls) facts.push('no calls')
  if (!trusted) facts.push('names not trusted')
  if (protocol !== undefined) facts.push(`by ${protocol}`)
  return facts.join(', ')
}

/** What it may send and be sent, and what was more than that. */
function sharesLines({ policy: { shares }, beyondShare }: PeerInfo): string[] {
  if (shares === undefined) return []
  const lines = [`  ${sharesText(shares)}`]
  const beyond = Object.entries(beyondShare ?? {}).flatMap(([outcome, count]) =>
    count > 0 ? [`${count} ${outcome}`] : [],
  )
  if (beyond.length > 0) lines.push(`    more than that came or went: ${beyond.join(', ')}`)
  return lines
}

function sourceText(source: PeerInfo['source'], settings: PeerInfo['settings']): string {
  if (source === 'strangers') return 'as for all domains that nothing was said of'
  if (source === 'configuration') return 'by its [[peer]] table in the configuration'
  const written = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  return `set here: ${written.join(' ')}`
}

async function set(
  context: CommandContext,
  domain: string,
  written: readonly string[],
  options: Options,
): Promise<void> {
  const settings: Record<string, string> = {}
  for (const one of written) {
    const at = one.indexOf('=')
    if (at < 1)
      throw new CommandFailure(`"${one}" sets nothing; write KEY=VALUE, as in tls=encrypted`, exitCodes.usage)
    settings[one.slice(0, at)] = one.slice(at + 1)
  }
  await usingControl(context, options, (control) => control.setPeer(domain, settings))
  context.terminal.err(`set for ${domain}: ${written.join(' ')}\n`)
}

async function unset(
  context: CommandContext,
  domain: string,
  keys: readonly string[],
  options: Options,
): Promise<void> {
  await usingControl(context, options, (control) =>
    keys.length === 0
      ? control.unsetPeer(domain)
      : control.setPeer(domain, Object.fromEntries(keys.map((key) => [key, null]))),
  )
  context.terminal.err(
    `taken out for ${domain}: ${keys.length === 0 ? 'all that was set' : keys.join(' ')}\n`,
  )
}

/** What waits is handed over by a server that runs. */
async function retry(context: CommandContext, domain: string, options: Options): Promise<void> {
  const opened = await context.openControl(options.config)
  try {
    if (!opened.running)
      throw new CommandFailure(
        'no server runs here that could try; it tries when it starts',
        exitCodes.unreachable,
      )
    await opened.control.retryPeer(domain)
  } finally {
    await opened.close()
  }
  context.terminal.err(`${domain} is tried now\n`)
}

async function drop(context: CommandContext, domain: string, options: Options): Promise<void> {
  const dropped = await usingControl(context, options, (control) => control.dropPeerQueue(domain))
  if (options.json === true) return printJson(context.terminal, { domain, dropped })
  const messages = dropped === 1 ? '1 message' : `${dropped} messages`
  context.terminal.err(`gave up ${messages} for ${domain}; their senders are told\n`)
}

/** Times as scripts read them elsewhere: ISO 8601. */
function withTimes(peer: PeerInfo): object {
  if (peer.queue === undefined) return peer
  const { oldest, nextTry, ...queue } = peer.queue
  const next = nextTry === undefined ? {} : { nextTry: new Date(nextTry).toISOString() }
  return { ...peer, queue: { ...queue, oldest: new Date(oldest).toISOString(), ...next } }
}

const minute = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ')
const second = (time: number): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ')
