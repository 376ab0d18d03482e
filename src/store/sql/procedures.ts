// All procedures by name: what a driver can be asked for.
import * as accounts from './account-procedures.ts'
import * as history from './history-procedures.ts'
import * as queries from './history-queries.ts'
import * as owned from './owned-procedures.ts'
import type { Procedure } from './procedure.ts'
import * as queues from './queue-procedures.ts'
import * as server from './server-procedures.ts'

export const procedures = {
  account: accounts.account,
  accounts: accounts.accounts,
  addAccounts: accounts.addAccounts,
  countAccounts: accounts.countAccounts,
  removeAccount: accounts.removeAccount,
  replaceAccount: accounts.replaceAccount,
  credentials: accounts.credentials,
  secrets: accounts.secrets,
  setSecrets: accounts.setSecrets,
  accountState: owned.accountState,
  changeRules: owned.changeRules,
  document: owned.document,
  putContact: owned.putContact,
  putDocument: owned.putDocument,
  putPresence: owned.putPresence,
  putForward: owned.putForward,
  removeContact: owned.removeContact,
  removeDocument: owned.removeDocument,
  removePresence: owned.removePresence,
  removeForward: owned.removeForward,
  countHistory: queries.countHistory,
  history: queries.history,
  recentHeads: queries.recentHeads,
  undelivered: queries.undelivered,
  append: history.append,
  appendInDomains: history.appendInDomains,
  expireSome: history.expireSome,
  markDelivered: history.markDelivered,
  dequeue: queues.dequeue,
  enqueue: queues.enqueue,
  queued: queues.queued,
  queuedDomains: queues.queuedDomains,
  putSetting: server.putSetting,
  putSubscription: server.putSubscription,
  removeSubscription: server.removeSubscription,
  setting: server.setting,
  subscriptions: server.subscriptions,
}

/** Those that write nothing: they are answered though the disk takes no more. */
export const readOnly: ReadonlySet<ProcedureName> = new Set([
  'account',
  'accounts',
  'countAccounts',
  'credentials',
  'secrets',
  'accountState',
  'countHistory',
  'document',
  'history',
  'undelivered',
  'queued',
  'recentHeads',
  'queuedDomains',
  'setting',
  'subscriptions',
])

export type ProcedureName = keyof typeof procedures
export type ProcedureValues<Name extends ProcedureName> = Parameters<(typeof procedures)[Name]>
export type ProcedureResult<Name extends ProcedureName> =
  ReturnType<(typeof procedures)[Name]> extends Procedure<infer Result> ? Result : never

/** One call as it travels to where the database is. */
export type Call = readonly [name: ProcedureName, values: readonly unknown[]]

/** `carefully`: it failed before. Those that take another way then have it as their last value. */
export function procedureOf([name, values]: Call, carefully: boolean): Procedure<unknown> {
  const procedure = procedures[name] as (...values: unknown[]) => Procedure<unknown>
  if (carefully && (name === 'append' || name === 'appendInDomains')) {
    return procedure(...values.slice(0, -1), true)
  }
  return procedure(...values)
}
