// The door of store: durable state behind the contract of #core.
export { createMemoryStore } from './memory/memory-store.ts'
