// What went wrong in SQLite, in words for the operator and a condition for the peer (SQLite, "Result and Error Codes").
import type { Condition } from '#model'

/** A fault as it travels out of the thread; on the other side it becomes a ServiceError. */
export interface SqliteFault {
  readonly condition: Condition
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const foreignKey = 787

// By primary result code.
const known: Readonly<Record<number, readonly [Condition, string]>> = {
  5: ['temporarily-unavailable', 'the database is locked by another process'],
  6: ['temporarily-unavailable', 'the database is locked by another process'],
  8: [
    'temporarily-unavailable',
    'the database is read-only: check the owner and the mode of its file and directory',
  ],
  10: ['temporarily-unavailable', 'the disk of the database answers with an error'],
  11: ['internal-fault', 'the database is damaged: restore it from a backup'],
  13: ['temporarily-unavailable', 'the disk of the database is full, or the database has its greatest size'],
  14: [
    'temporarily-unavailable',
    "the database can't be opened: check that its directory is there and can be written",
  ],
  26: ['internal-fault', 'the file is not a database of ours'],
}

// By the code of a system call, for what fails before SQLite is asked.
const knownSystem: Readonly<Record<string, number>> = {
  EACCES: 8,
  EPERM: 8,
  EROFS: 8,
  ENOENT: 14,
  ENOTDIR: 14,
  EISDIR: 14,
  EIO: 10,
  ENOSPC: 13,
  EDQUOT: 13,
}

export function faultOf(error: unknown, file: string): SqliteFault {
  if (isFault(error)) return error
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string }
  if (errcode === foreignKey) {
    return { condition: 'target-unknown', message: 'the account is not in the store', fields: {} }
  }
  const primary = errcode === undefined ? knownSystem[code ?? ''] : errcode & 0xff
  const [condition, words] = known[primary ?? -1] ?? ['internal-fault', 'the database has a fault']
  return {
    condition,
    message: `${words} (${file})`,
    fields: { file, code: errcode ?? code, reason: message ?? String(error) },
  }
}

export function isLocked(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && ((errcode & 0xff) === 5 || (errcode & 0xff) === 6)
}

function isFault(error: unknown): error is SqliteFault {
  return !(error instanceof Error) && typeof error === 'object' && error !== null && 'condition' in error
}
