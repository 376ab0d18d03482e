// Runs a server for a person: says what listens where, ends with the word `ready`, and stops in order at a signal.
import type { Configuration } from './configuration.ts'
import { startServer } from './server.ts'
import { welcomeText } from './welcome.ts'

export interface ServeOptions {
  /** How this installation calls its command, for what is said to people: `bin/verona`. */
  readonly command: string
  readonly say: (text: string) => void
}

const signals = ['SIGINT', 'SIGTERM'] as const

/** Resolves when the server has stopped in order. A second signal ends the process at once, with status 130. */
export async function serve(configuration: Configuration, { command, say }: ServeOptions): Promise<void> {
  const server = await startServer(configuration)
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(130)
    stopping = true
    say('stopping: saying goodbye to everyone')
    void server.stop()
  }
  for (const signal of signals) process.on(signal, stop)
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
  for (const signal of signals) process.off(signal, stop)
  say('stopped')
}
