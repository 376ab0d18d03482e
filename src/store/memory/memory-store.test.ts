import { conformance } from '../conformance.ts'
import { createMemoryStore } from './memory-store.ts'

conformance('the memory store', async () => createMemoryStore())
