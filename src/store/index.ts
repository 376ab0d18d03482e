// The door of store: durable state behind the contract of #core.
export { createMemoryStore } from './memory/memory-store.ts'
export type { SqliteOptions } from './sqlite/sqlite-database.ts'
export { openSqliteStore } from './sqlite/sqlite-store.ts'
