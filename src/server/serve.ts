// Runs a server for a person: says what listens where, ends with the word `ready`, and stops in order at a signal.
import type { Configuration } from './configuration.ts'
import { startServer } from './server.ts'
import { welcomeText } from './welcome.ts'

export interface ServeOptions {
  /** How this installation calls its command, for what is said to people: `bin/verona`. */
  readonly command: string
  readonly say: (text: string) => void
}

/** The server was stopped by a fault of its own. */
export class ServerFault extends Error {
  override readonly name = 'ServerFault'
}

const signals = ['SIGINT', 'SIGTERM'] as const

/** A terminal's Ctrl-C reaches npm and us, and npm sends it on: what follows so soon is the same one. */
const sameSignalMs = 1000

/**
 * Resolves when the server has stopped in order. A second signal ends the process at once, with status 130. A fault that nobody
 * caught is logged and stops the server in order, since what it left behind may not be trusted to go on; then rejects with
 * ServerFault.
 */
export async function serve(configuration: Configuration, { command, say }: ServeOptions): Promise<void> {
  const server = await startServer(configuration)
  let asked: number | undefined
  const stop = (): void => {
    if (asked !== undefined && performance.now() - asked > sameSignalMs) process.exit(130)
    if (asked !== undefined) return
    asked = performance.now()
    say('stopping: saying goodbye to everyone')
    void server.stop()
  }
  let faulty = false
  const fault = (error: unknown): void => {
    server.service.log.error('a fault that nobody caught; the server stops', { error })
    faulty = true
    void server.stop()
  }
  for (const signal of signals) process.on(signal, stop)
  process.on('uncaughtException', fault)
  const accounts = await server.service.store.countAccounts()
  say(
    welcomeText({
      domains: configuration.domains,
      listeners: server.listeners,
      authorityFile: server.authorityFile,
      accounts,
      command,
    }),
  )
  say('ready')
  await server.stopped
  process.off('uncaughtException', fault)
  for (const signal of signals) process.off(signal, stop)
  if (faulty) throw new ServerFault('stopped by a fault of its own; the log says which')
  say('stopped')
}
