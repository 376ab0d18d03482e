// verona doctor [DOMAIN]
import type { Command } from 'commander'
import {
  type Configuration,
  connectControl,
  loadConfiguration,
  mainSettings,
  probeListeners,
  tableOf,
} from '#server'
import { findCertificates } from '../diagnosis/certificates.ts'
import { domainFindings } from '../diagnosis/domain.ts'
import { type Finding, good, notice, trouble } from '../diagnosis/finding.ts'
import { findClock, findDisk, findOpenFiles } from '../diagnosis/machine.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson, visible } from '../print.ts'
import type { Terminal } from '../terminal.ts'
import { type CommandContext, type ConfigOptions, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

export function addDoctor(program: Command, context: CommandContext): void {
  const { terminal } = context
  const command = program
    .command('doctor [domain]')
    .description(
      'look at ports, certificates, disk and clock: what is wrong and what to do; or at another domain: what would be tried, and what fails where',
    )
    .action((domain: string | undefined, options: Options) =>
      domain === undefined ? doctor(terminal, options) : examineDomain(context, domain, options),
    )
  withJson(withConfig(command))
}

/** The running server's own look: it is what would speak with that domain, with its certificate and from its address. */
async function examineDomain(context: CommandContext, domain: string, options: Options): Promise<void> {
  const opened = await context.openControl(options.config)
  try {
    if (!opened.running)
      throw new CommandFailure('no server runs here that could try; start it first', exitCodes.unreachable)
    const found = await opened.control.examinePeer(domain)
    const findings = domainFindings(found)
    if (options.json === true) printJson(context.terminal, found)
    else for (const finding of findings) context.terminal.out(findingText(finding))
    const goesNowhere = findings.some((finding) => finding.state === 'trouble' && finding.about === domain)
    if (goesNowhere)
      throw new CommandFailure(options.json === true ? '' : `nothing can be exchanged with ${domain} now`)
  } finally {
    await opened.close()
  }
}

async function doctor(terminal: Terminal, options: Options): Promise<void> {
  const configuration = await loadConfiguration({
    file: options.config,
    environment: terminal.environment,
    directory: terminal.directory,
  })
  const findings = await examine(configuration, Date.now())
  if (options.json === true) printJson(terminal, findings)
  else for (const finding of findings) terminal.out(findingText(finding))
  const troubles = findings.filter((finding) => finding.state === 'trouble').length
  if (troubles > 0) throw new CommandFailure(options.json === true ? '' : `${troubles} to be mended`)
}

async function examine(configuration: Configuration, now: number): Promise<Finding[]> {
  const { config, domains } = configuration
  const { data } = config.of(mainSettings)
  const certificates = domains.map((domain) => {
    const table = tableOf(config, domain)
    return { domain, certificate: table?.certificate, key: table?.key }
  })
  return [
    good('configuration', config.file ?? 'the built-in default: no verona.toml here'),
    ...(await findServer(configuration)),
    ...findCertificates(certificates, data, now),
    ...findDisk(data),
    findClock(data, now),
    ...findOpenFiles(),
  ]
}

/** The running server's own word, or whether one could start. */
async function findServer(configuration: Configuration): Promise<Finding[]> {
  let running: Awaited<ReturnType<typeof connectControl>>
  try {
    running = await connectControl(configuration)
  } catch (error) {
    const remedy =
      (error as NodeJS.ErrnoException).code === 'EINVAL'
        ? 'name a shorter path in data'
        : 'run doctor as the user that runs the server'
    return [trouble('server', (error as Error).message, remedy)]
  }
  if (running === undefined)
    return [notice('server', 'is not running', 'verona serve'), ...(await findPorts(configuration))]
  const status = await running.control.status()
  return [
    good(
      'server',
      `runs as process ${status.pid}, version ${status.version}, ${status.agentsOnline} devices online`,
    ),
    ...status.listeners.map((listener) => good('port', `${listener.where}: ${listener.purpose}`)),
    ...status.health.checks
      .filter((check) => !check.ok)
      .map((check) => trouble(check.name, check.detail ?? 'is not well', 'look into the log of the server')),
  ]
}

async function findPorts(configuration: Configuration): Promise<Finding[]> {
  const probes = await probeListeners(configuration)
  if (probes.length === 0)
    return [notice('ports', 'no listener is configured', 'name one, such as [xmpp] client')]
  return probes.map(({ setting, where, trouble: wrong }) =>
    wrong === undefined
      ? good('port', `${where} is free for ${setting}`)
      : trouble('port', wrong, `or change ${setting}`),
  )
}

const marks = { good: 'ok     ', notice: 'notice ', trouble: 'WRONG  ' } as const

function findingText({ about, state, what, remedy }: Finding): string {
  const advice = remedy === undefined ? '' : `          what to do: ${remedy}\n`
  return `${marks[state]} ${visible(about)}: ${visible(what)}\n${advice}`
}
