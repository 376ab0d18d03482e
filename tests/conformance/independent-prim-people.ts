// Who speaks PRIM by the second reading: connections to a server of the test, with and without TLS, and logged in.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { password, Stand } from '../hostile/stand.ts'
import { IndependentPrim, identifier, type Service, type Unit } from './independent-prim.ts'

const accounts = ['romeo', 'juliet', 'nurse', 'tybalt']
export const text = ['Content-Type', 'text/plain; charset=UTF-8'] as const
const pidf = ['Content-Type', 'application/pidf+xml'] as const

/** @param confirms whether watchers of one's own domain must ask, as they must unless the operator says otherwise */
export function open(context: TestContext, confirms = false): Promise<Stand> {
  return Stand.open(context, {
    accounts,
    settings: { presence: `confirm_same_domain = ${confirms}\n` },
  })
}

/** A connection whose faults fail the test at its end. */
export async function client(
  context: TestContext,
  stand: Stand,
  setting = 'prim.im',
): Promise<IndependentPrim> {
  const one = await IndependentPrim.connect(stand.port(setting))
  const forget = stand.atEnd(() => one.destroy())
  context.after(() => {
    forget()
    one.destroy()
    assert.deepEqual(one.faults, [])
  })
  return one
}

/** The same, and STARTTLS has been said. */
export async function under(context: TestContext, stand: Stand): Promise<IndependentPrim> {
  const one = await client(context, stand)
  const authority = readFileSync(join(stand.directory, 'tls', 'ca.crt'))
  assert.equal((await one.startTls(authority, 'localhost')).status, 200)
  return one
}

/** Logged in to both services, under TLS. */
export async function person(context: TestContext, stand: Stand, user: string): Promise<Person> {
  const one = await under(context, stand)
  const address = `${user}@localhost`
  for (const service of ['PR', 'IM'] as const) {
    assert.equal((await one.logInPlain(service, address, password)).status, 200)
  }
  return new Person(one, address)
}

export class Person {
  readonly client: IndependentPrim
  readonly address: string

  constructor(one: IndependentPrim, address: string) {
    this.client = one
    this.address = address
  }

  presence(method: string, lines: Unit['lines'] = [], body = ''): Promise<Unit> {
    return this.#ask('PR', method, lines, body)
  }

  im(method: string, lines: Unit['lines'] = [], body = ''): Promise<Unit> {
    return this.#ask('IM', method, lines, body)
  }

  say(to: string, id: string, body: string, more: Unit['lines'] = []): Promise<Unit> {
    const lines = [['To', `im:${to}@localhost`], ['Message-ID', id], ...more, text] as const
    return this.im('SEND', lines, body)
  }

  publish(tuple: string, basic: string, more: Unit['lines']): Promise<Unit> {
    const document = `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${this.address}"><tuple id="${tuple}"><status><basic>${basic}</basic></status></tuple></presence>`
    return this.presence('PUBLISH', [...more, ['Tuple-ID', tuple], pidf], document)
  }

  #ask(service: Service, method: string, lines: Unit['lines'], body: string): Promise<Unit> {
    const from = ['From', identifier(service, this.address)] as const
    return this.client.ask(`PRIM-${service}/1.0`, method, [from, ...lines], body)
  }
}
