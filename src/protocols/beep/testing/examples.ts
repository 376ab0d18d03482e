// The examples of RFC 3080 (testdata/): who says what, frame by frame.

import { readdirSync, readFileSync } from 'node:fs'

export interface Step {
  /** C, S, I or L. */
  readonly who: string
  /** A whole frame; or undefined for a stage direction such as `<open connection>`. */
  readonly octets: Buffer | undefined
  readonly header: string
  readonly payload: string
}

export interface Example {
  /** `15-section-2.4`. */
  readonly name: string
  readonly steps: readonly Step[]
}

const folder = new URL('../testdata/', import.meta.url)

export function readExamples(): Example[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
  return files.sort().map((file) => ({ name: file.replace('.txt', ''), steps: stepsOf(file) }))
}

function stepsOf(file: string): Step[] {
  const lines = readFileSync(new URL(file, folder), 'latin1').split('\r\n')
  const steps: Step[] = []
  let header: string | undefined
  let payload = ''
  for (const line of lines.slice(0, -1)) {
    const who = line[0] as string
    const said = line.slice(3)
    if (header === undefined && /^(MSG|RPY|ERR|ANS|NUL) /.test(said)) {
      header = said
      payload = ''
    } else if (header === undefined) {
      steps.push({ who, octets: undefined, header: said, payload: '' })
    } else if (said === 'END') {
      steps.push({ who, octets: Buffer.from(`${header}\r\n${payload}END\r\n`, 'latin1'), header, payload })
      header = undefined
    } else payload += `${said}\r\n`
  }
  return steps
}

/** The frame with another sequence number, for where what came before it in the RFC is not played. */
export function renumbered(step: Step, seqno: number): string {
  const words = step.header.split(' ')
  words[4] = String(seqno)
  return `${words.join(' ')}\r\n${step.payload}END\r\n`
}
