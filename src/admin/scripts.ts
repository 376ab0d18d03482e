// The management API's scripts (RFC 3880): what is done with calls and messages of an account.

import { text, utf8 } from '#base'
import type { Service } from '#core'
import type { Outcome, ScriptFault } from '#model'
import type { HttpRequest, HttpResponse } from '#net'
import { json, Refusal } from './refusal.ts'
import { readPerson, readScript } from './requests.ts'
import type { Route, Segments } from './router.ts'
import type { ScriptCheck, ScriptInfo } from './types.ts'

type Answer = Promise<HttpResponse | Refusal>

export function scriptRoutes({ scripts }: Service): Route[] {
  const path = '/accounts/:address/script'
  return [
    { method: 'GET', path, handle: (_request, segments) => show(scripts, segments) },
    { method: 'PUT', path, handle: (request, segments) => put(scripts, request, segments) },
    { method: 'DELETE', path, handle: (_request, segments) => remove(scripts, segments) },
    { method: 'POST', path: '/scripts/check', handle: (request) => check(scripts, request) },
  ]
}

async function show(scripts: Service['scripts'], segments: Segments): Answer {
  const owner = readPerson(segments['address'] as string)
  if (owner instanceof Refusal) return owner
  const document = await scripts.document(owner)
  if (document === 'unknown') return new Refusal('target-unknown')
  const info: ScriptInfo = document === undefined ? {} : { script: text(document) }
  return json(200, info)
}

async function put(scripts: Service['scripts'], request: HttpRequest, segments: Segments): Answer {
  const owner = readPerson(segments['address'] as string)
  if (owner instanceof Refusal) return owner
  const body = readScript(request)
  if (body instanceof Refusal) return body
  return answer(await new Promise((resolve) => scripts.put(owner, utf8(body.script), resolve)))
}

async function remove(scripts: Service['scripts'], segments: Segments): Answer {
  const owner = readPerson(segments['address'] as string)
  if (owner instanceof Refusal) return owner
  return answer(await new Promise((resolve) => scripts.put(owner, undefined, resolve)))
}

/** 200 whatever is wrong with it: the answer says so. */
async function check(scripts: Service['scripts'], request: HttpRequest): Answer {
  const body = readScript(request)
  if (body instanceof Refusal) return body
  const fault = scripts.check(utf8(body.script))
  const result: ScriptCheck = fault === undefined ? {} : { fault }
  return json(200, result)
}

function answer(outcome: Outcome | ScriptFault): HttpResponse | Refusal {
  if ('reason' in outcome)
    return new Refusal('malformed', `line ${outcome.line}, column ${outcome.column}: ${outcome.reason}`)
  return outcome.kind === 'refused' ? new Refusal(outcome.condition) : json(200, {})
}
