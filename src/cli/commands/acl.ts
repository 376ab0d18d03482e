// verona acl --as ADDRESS [list|allow|block|polite-block|confirm|remove] [SUBJECT...]
import { Argument, type Command } from 'commander'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { AccessRule, Person } from '../person.ts'
import { printJson, printTable } from '../print.ts'
import { type PersonOptions, usingPerson, withLogin } from './as-person.ts'
import { type CommandContext, withJson } from './command.ts'

interface Options extends PersonOptions {
  readonly basic?: boolean
  readonly json?: boolean
}

const actions = ['list', 'allow', 'block', 'polite-block', 'confirm', 'remove'] as const
type Action = (typeof actions)[number]

export function addAcl(program: Command, context: CommandContext): void {
  const command = program
    .command('acl')
    .description('who may see and reach you: look, and decide')
    .addArgument(new Argument('[action]').choices(actions).default('list'))
    .argument(
      '[subjects...]',
      'whom it is about: an address, a domain, "*.domain" with its subdomains, "*" for everybody',
    )
    .option('--basic', 'with allow or confirm: they see only whether you are there')
    .addHelpText(
      'after',
      `
  list           the rules that hold
  allow          SUBJECT never has to ask
  block          SUBJECT sees nothing, and messages are refused
  polite-block   SUBJECT sees you as absent, and cannot tell
  confirm        SUBJECT has to ask, whatever holds for others
  remove         takes the rule for SUBJECT away

Examples:
  verona acl --as juliet@example.com
  verona acl --as juliet@example.com polite-block paris@example.com
  verona acl --as juliet@example.com block "*.example.net"
  verona acl --as juliet@example.com confirm "*"`,
    )
    .action((action: Action, subjects: string[], options: Options) => acl(context, action, subjects, options))
  withJson(withLogin(command))
}

async function acl(
  context: CommandContext,
  action: Action,
  subjects: readonly string[],
  options: Options,
): Promise<void> {
  if (action === 'list' && subjects.length > 0)
    throw new CommandFailure('list shows every rule; name nobody', exitCodes.usage)
  if (action !== 'list' && subjects.length === 0)
    throw new CommandFailure(`${action} whom? Name somebody, a domain or "*"`, exitCodes.usage)
  const rules = await usingPerson(context, options, (person) => decide(person, action, subjects, options))
  if (options.json === true) return printJson(context.terminal, rules)
  if (action === 'list') return show(context, rules)
  const what = action === 'remove' ? 'no rule' : action
  context.terminal.err(`${subjects.join(', ')}: ${what}\n`)
}

/** Decides, and answers the rules that hold now. */
async function decide(
  person: Person,
  action: Action,
  subjects: readonly string[],
  { basic }: Options,
): Promise<readonly AccessRule[]> {
  if (action === 'remove') await person.access.remove(...subjects)
  else if (action !== 'list') {
    const visibility = basic === true ? ('basic' as const) : ('full' as const)
    await person.access.put(...subjects.map((subject) => ({ subject, action, visibility })))
  }
  return person.access.list()
}

function show({ terminal }: CommandContext, rules: readonly AccessRule[]): void {
  if (rules.length === 0) return terminal.err('no rules: the policy of the domain holds for everybody\n')
  const rows = rules.map(({ subject, action, visibility }) => [
    subject === '*' ? 'everybody' : subject,
    action,
    action === 'block' || action === 'polite-block'
      ? ''
      : visibility === 'basic'
        ? 'only presence'
        : visibility?.startsWith('class:')
          ? visibility
          : 'all',
  ])
  printTable(terminal, ['WHO', 'RULE', 'SEES'], rows)
}
