// What a person sees when the server is up: what listens where, how to add the first accounts, and the word `ready`.
import type { Listener } from '#core'

export interface Welcome {
  readonly domains: readonly string[]
  readonly listeners: readonly Listener[]
  /** Where clients find the authority to trust; undefined when the certificate is not our own making. */
  readonly authorityFile: string | undefined
  readonly accounts: number
  /** How this installation calls the command: `bin/verona`. */
  readonly command: string
}

export function welcomeText(welcome: Welcome): string {
  const width = Math.max(...welcome.listeners.map((listener) => listener.purpose.length))
  const lines = [
    `Verona serves ${welcome.domains.join(', ')}`,
    '',
    ...welcome.listeners.map((listener) => `  ${listener.purpose.padEnd(width)}  ${listener.where}`),
    '',
  ]
  if (welcome.authorityFile !== undefined)
    lines.push(`Clients trust this server by ${welcome.authorityFile}`, '')
  if (welcome.accounts === 0) {
    const example = `romeo@${welcome.domains[0]}`
    lines.push('There are no accounts yet. In another terminal, add the first ones:', '')
    lines.push(`  ${welcome.command} user add ${example}`, '')
  }
  return lines.join('\n')
}
