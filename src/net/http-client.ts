// One HTTP request and its whole answer, over TCP or a Unix socket: what our own command line asks a running server.

import { request } from 'node:http'
import { relative } from 'node:path'
import { type Bytes, concat } from '#base'

export interface HttpQuestion {
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly method: string
  /** Path and query, percent-encoded. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Bytes
  /** LIMIT: seconds without an octet of the answer; 120 by default. */
  readonly silenceSecondsMax?: number
  /** LIMIT: octets of the answer's body; 64 MiB by default. */
  readonly bodyBytesMax?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Bytes
}

/** Rejects with the error of the system (`code` ENOENT, ECONNREFUSED, EACCES...), or one that says which limit was met. */
export function askHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const { at } = question
  const bodyBytesMax = question.bodyBytesMax ?? 64 * 1024 * 1024
  const silence = (question.silenceSecondsMax ?? 120) * 1000
  return new Promise((resolve, reject) => {
    const asked = request({
      ...('path' in at ? { socketPath: socketPath(at.path) } : at),
      method: question.method,
      path: question.target,
      headers: {
        ...question.headers,
        ...(question.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(question.body) }),
      },
      agent: false,
      timeout: silence,
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${silence / 1000} s`)))
    asked.on('error', reject)
    asked.on('response', (response) => {
      const parts: Bytes[] = []
      let length = 0
      response.on('data', (part: Buffer) => {
        length += part.length
        parts.push(part)
        if (length <= bodyBytesMax) return
        // The whole of it may have come already, so that destroying alone would be too late.
        reject(new Error(`the answer is longer than ${bodyBytesMax} octets`))
        asked.destroy()
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: concat(parts) }),
      )
    })
    asked.end(question.body)
  })
}

/** The kernel takes some 100 octets only (sun_path); a path from where we are may be shorter. */
export function socketPath(path: string): string {
  const here = relative(process.cwd(), path)
  return Buffer.byteLength(path) > 100 && here.length < path.length ? here : path
}
