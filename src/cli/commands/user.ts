// verona user
import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { addUserAdd } from './user-add.ts'
import { addUserForward } from './user-forward.ts'
import { addUserImport } from './user-import.ts'
import { addUserList } from './user-list.ts'
import { addUserPassword } from './user-password.ts'
import { addUserRemove } from './user-remove.ts'

export function addUser(program: Command, context: CommandContext): void {
  const user = program.command('user').description('accounts: add, list, password, forward, remove, import')
  addUserAdd(user, context)
  addUserList(user, context)
  addUserPassword(user, context)
  addUserRemove(user, context)
  addUserForward(user, context)
  addUserImport(user, context)
}
