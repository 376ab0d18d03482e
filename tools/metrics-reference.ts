// The page of all metrics: a server with everything turned on says what it registered.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#observe'
import { loadConfiguration, startServer } from '#server'
import { createMemoryStore } from '#store'

const everything = `data = "."
[http]
listen = "127.0.0.1:0"
[xmpp]
client = "127.0.0.1:0"
client_tls = "127.0.0.1:0"
server = "127.0.0.1:0"
[sip]
udp = "127.0.0.1:0"
tcp = "127.0.0.1:0"
tls = "127.0.0.1:0"
[impp]
client = "127.0.0.1:0"
server = "127.0.0.1:0"
[prim]
presence = "127.0.0.1:0"
im = "127.0.0.1:0"
server = "127.0.0.1:0"
[apex]
edge = "127.0.0.1:0"
mesh = "127.0.0.1:0"
`

export async function metricsReference(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-metrics-'))
  try {
    const file = join(directory, 'verona.toml')
    writeFileSync(file, everything)
    const configuration = await loadConfiguration({ file, environment: {}, directory })
    const server = await startServer(configuration, { store: createMemoryStore(), log: silentLog })
    const rows = server.service.metrics
      .registered()
      .map(({ type, definition, labels }) => {
        const { name, help } = definition
        return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`
      })
      .sort()
    await server.stop()
    return [
      '# Metrics',
      '',
      'Made from the code. `GET /metrics` on the HTTP listener, OpenMetrics text; a counter is exposed with the suffix `_total`.',
      '',
      '| name | type | labels | what |',
      '|---|---|---|---|',
      ...rows,
      '',
    ].join('\n')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
