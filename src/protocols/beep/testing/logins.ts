// The logins of one account, alice@example.com, whose password is `secret`.

import assert from 'node:assert/strict'
import { BackOff, Derivation, Sasl, type SaslOptions } from '#auth'
import { utf8, VirtualClock } from '#base'
import { parseAddress } from '#model'
import { silentLog } from '#observe'
import type { BeepProfile } from '../profile.ts'
import { type SaslProfilesOptions, saslProfilesOf } from '../tuning/sasl.ts'

const alice = parseAddress('alice@example.com')
assert.ok(alice)
const derived = await new Derivation({ iterations: 4096 }).derive([alice], 'secret')
assert.ok('secrets' in derived)
const { secrets } = derived

export function loginProfiles(
  options: Partial<SaslProfilesOptions> = {},
  sasl: Partial<SaslOptions> = {},
): BeepProfile[] {
  return saslProfilesOf({
    sasl: new Sasl({
      authenticator: {
        credentials: async (name) => (name.key === alice?.key ? { owner: alice, secrets } : undefined),
      },
      backOff: new BackOff(new VirtualClock()),
      serverKey: utf8('a key of this server, 32 octets!'),
      iterations: 4096,
      ...sasl,
    }),
    log: silentLog,
    domainOf: () => 'example.com',
    ...options,
  })
}

/** All that follows, cryptography on other threads too: until `is` holds. */
export async function until(is: () => boolean, flush: () => void): Promise<void> {
  const begin = performance.now()
  for (flush(); !is(); flush()) {
    assert.ok(performance.now() - begin < 30_000, 'it never came')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
