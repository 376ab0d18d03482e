// verona contact OWNER list|pending|approve|refuse|allow|block|polite-block WATCHER
import { Argument, type Command } from 'commander'
import type { ContactInfo } from '#admin'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import { printJson, printTable } from '../print.ts'
import { type CommandContext, type ConfigOptions, usingControl, withConfig, withJson } from './command.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

const actions = [
  'list',
  'pending',
  'approve',
  'refuse',
  'allow',
  'block',
  'polite-block',
  'confirm',
  'no-rule',
] as const
type Action = (typeof actions)[number]

export function addContact(program: Command, context: CommandContext): void {
  const command = program
    .command('contact <owner>')
    .description('who may see and reach a person: look, and decide in their place')
    .addArgument(new Argument('<action>').choices(actions))
    .argument('[watcher]', 'whom the decision is about')
    .addHelpText(
      'after',
      `
  list           everybody on the person's list, and who asked
  pending        who asked to see the person and waits for an answer
  approve        let WATCHER see the person (also before they ask)
  refuse         refuse WATCHER, or take back what was allowed
  allow          a rule: WATCHER never has to ask
  block          a rule: WATCHER sees nothing, and messages are refused
  polite-block   a rule: WATCHER sees the person as absent, and cannot tell
  confirm        a rule: WATCHER has to ask, whatever holds for others
  no-rule        takes the rule for WATCHER away

WATCHER of a rule may also be a domain, "*.domain" for it and its subdomains, or "*" for everybody.

Example:
  verona contact juliet@example.com approve romeo@example.com`,
    )
    .action((owner: string, action: Action, watcher: string | undefined, options: Options) =>
      contact(context, owner, action, watcher, options),
    )
  withJson(withConfig(command))
}

async function contact(
  context: CommandContext,
  owner: string,
  action: Action,
  watcher: string | undefined,
  options: Options,
): Promise<void> {
  if (action === 'list' || action === 'pending') return show(context, owner, action, options)
  if (watcher === undefined) throw new CommandFailure(`${action} whom? Name the watcher.`, exitCodes.usage)
  await usingControl(context, options, (control) => control.decide(owner, watcher, { action }))
  if (options.json === true) printJson(context.terminal, { owner, action, watcher })
  else context.terminal.err(`${owner}: ${decided[action](watcher)}\n`)
}

const decided: Readonly<Record<Exclude<Action, 'list' | 'pending'>, (watcher: string) => string>> = {
  approve: (watcher) => `${watcher} may see them`,
  refuse: (watcher) => `${watcher} does not see them`,
  allow: (watcher) => `${watcher} never has to ask`,
  block: (watcher) => `${watcher} is blocked`,
  'polite-block': (watcher) => `${watcher} sees them as absent`,
  confirm: (watcher) => `${watcher} has to ask`,
  'no-rule': (watcher) => `no rule for ${watcher}`,
}

async function show(context: CommandContext, owner: string, action: Action, options: Options): Promise<void> {
  const { terminal } = context
  const { contacts, rules } = await usingControl(context, options, (control) => control.contacts(owner))
  const shown = action === 'pending' ? contacts.filter((one) => one.pendingIn) : contacts
  if (options.json === true) return printJson(terminal, action === 'pending' ? shown : { contacts, rules })
  const ruleOf = new Map(rules.map((rule) => [rule.subject, rule.action]))
  const rows = shown.map((one) => [one.address, one.name, seeing(one), ruleOf.get(one.address) ?? ''])
  // Rules that are about no contact: domains, everybody, and persons who are on no list.
  const addresses = new Set(shown.map((one) => one.address))
  const others = action === 'pending' ? [] : rules.filter((rule) => !addresses.has(rule.subject))
  rows.push(...others.map((rule) => [rule.subject, '', '', rule.action]))
  printTable(terminal, ['CONTACT', 'NAME', 'WHO SEES WHOM', 'RULE'], rows)
}

const seen = {
  none: [],
  to: ['is seen by the owner'],
  from: ['sees the owner'],
  both: ['see each other'],
} as const

function seeing({ subscription, pendingIn, pendingOut, preApproved }: ContactInfo): string {
  const facts: string[] = [...seen[subscription]]
  if (pendingIn) facts.push('asked, and waits')
  if (pendingOut) facts.push('was asked')
  if (preApproved) facts.push('may see the owner once asking')
  return facts.join(', ')
}
