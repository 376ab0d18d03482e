// Finds the handler of a request: a table of methods and path patterns, in which `:name` stands for one segment.

import type { HttpRequest, HttpResponse } from '#net'
import { Refusal, refusalAnswer } from './refusal.ts'

/** What a handler gets beside the request: the decoded segments, by name. */
export type Segments = Readonly<Record<string, string>>

export type Handler = (
  request: HttpRequest,
  segments: Segments,
) => HttpResponse | Refusal | Promise<HttpResponse | Refusal>

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly handle: Handler
}

/** 404 for a path that no route has, 405 with `Allow` for a method that its routes have not (RFC 9110 §15.5.6). */
export function router(routes: readonly Route[]): (request: HttpRequest) => Promise<HttpResponse> {
  const table = routes.map((route) => ({ ...route, pattern: route.path.split('/') }))
  return async (request) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const parts = request.path.split('/')
    const allowed: string[] = []
    for (const route of table) {
      const segments = match(route.pattern, parts)
      if (segments === undefined) continue
      if (route.method === method) return finished(await route.handle(request, segments))
      allowed.push(route.method)
    }
    if (allowed.length === 0)
      return refusalAnswer(new Refusal('not-found', `there is nothing at ${request.path}`))
    return refusalAnswer(
      new Refusal('operation-not-supported', `${request.path} takes ${allowed.join(', ')}`, {
        Allow: allowed.join(', '),
      }),
      405,
    )
  }
}

function finished(answer: HttpResponse | Refusal): HttpResponse {
  return answer instanceof Refusal ? refusalAnswer(answer) : answer
}

function match(pattern: readonly string[], parts: readonly string[]): Segments | undefined {
  if (pattern.length !== parts.length) return undefined
  const segments: Record<string, string> = {}
  for (let i = 0; i < pattern.length; i++) {
    const [wanted, part] = [pattern[i] as string, parts[i] as string]
    if (!wanted.startsWith(':')) {
      if (wanted !== part) return undefined
      continue
    }
    const decoded = decode(part)
    if (decoded === undefined || decoded === '') return undefined
    segments[wanted.slice(1)] = decoded
  }
  return segments
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    // A percent sign that escapes nothing: no path of ours.
    return undefined
  }
}
