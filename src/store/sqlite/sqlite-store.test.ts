import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { conformance } from '../conformance.ts'
import { openSqliteStore } from './sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-store-'))
after(() => rmSync(directory, { recursive: true }))
let opened = 0

conformance('the SQLite store', () => openSqliteStore({ file: join(directory, `${++opened}.db`) }))
