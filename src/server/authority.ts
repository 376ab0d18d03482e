// The authority that this installation made for itself, which its own clients trust.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Configuration } from './configuration.ts'
import { mainSettings } from './settings.ts'

/** Its file, if there is one. */
export function ownAuthority({ config }: Configuration): string[] {
  const file = join(config.of(mainSettings).data, 'tls', 'ca.crt')
  return existsSync(file) ? [file] : []
}
