// Who speaks APEX by the second reading: sessions with a server of the test, with and without TLS, logged in and attached.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { password, Stand, type StandOptions } from '../hostile/stand.ts'
import { attachText, IndependentApex } from './independent-apex.ts'
import { IndependentBeep } from './independent-beep.ts'
import { logInPlain } from './independent-sasl.ts'

const accounts = ['fred', 'barney', 'wilma', 'betty']

/** @param lines more of the section [apex] */
export function open(context: TestContext, lines = '', options: Partial<StandOptions> = {}): Promise<Stand> {
  return Stand.open(context, {
    accounts,
    settings: { presence: 'confirm_same_domain = false\n' },
    more: `[apex]\nedge = "127.0.0.1:0"\n${lines}`,
    ...options,
  })
}

/** A session whose faults fail the test at its end. */
export async function session(context: TestContext, stand: Stand): Promise<IndependentBeep> {
  const one = await IndependentBeep.connect(stand.port('apex.edge'))
  const forget = stand.atEnd(() => one.destroy())
  context.after(() => {
    forget()
    one.destroy()
    assert.deepEqual(one.faults, [])
  })
  return one
}

export async function under(context: TestContext, stand: Stand): Promise<IndependentBeep> {
  const one = await session(context, stand)
  const authority = readFileSync(join(stand.directory, 'tls', 'ca.crt'))
  assert.equal(await one.startTls(authority, 'localhost'), 0)
  return one
}

/** Logged in under TLS, with a channel that is attached as nobody yet. */
export async function loggedIn(context: TestContext, stand: Stand, user: string): Promise<IndependentApex> {
  const beep = await under(context, stand)
  assert.equal(await logInPlain(beep, `${user}@localhost`, password), 0)
  const one = new IndependentApex(beep)
  assert.equal(await one.open(), 250)
  return one
}

/** Attached as `user@localhost`, in the start of the channel. */
export async function person(
  context: TestContext,
  stand: Stand,
  user: string,
  options = '',
): Promise<Person> {
  const beep = await under(context, stand)
  const local = user.split('/')[0] as string
  assert.equal(await logInPlain(beep, `${local}@localhost`, password), 0)
  const one = new IndependentApex(beep)
  assert.equal(await one.open(attachText(`${user}@localhost`, 1, options)), 250)
  return new Person(one, `${user}@localhost`)
}

export class Person {
  readonly apex: IndependentApex
  readonly address: string

  constructor(apex: IndependentApex, address: string) {
    this.apex = apex
    this.address = address
  }

  /** To people by their name alone. */
  inline(to: string, element: string, options = ''): Promise<number> {
    return this.apex.inline(this.address, [full(to)], element, options)
  }

  tell(service: string, element: string): Promise<number> {
    return this.apex.inline(this.address, [`apex=${service}@localhost`], element)
  }
}

export function full(name: string): string {
  return name.includes('@') ? name : `${name}@localhost`
}
