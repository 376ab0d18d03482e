// Every request that the server answers itself: one list, from which service discovery takes its features.
import { archiveIq, archiveMetadataIq } from './archive.ts'
import { archivePreferencesIq } from './archive-preferences.ts'
import { blockingIq } from './blocking.ts'
import { carbonsIq } from './carbons.ts'
import { discoInfoIq, discoItemsIq } from './disco.ts'
import type { IqHandler, OpenIqHandler } from './iq.ts'
import { lastIq } from './last.ts'
import { pingIq } from './ping.ts'
import { privateIq } from './private.ts'
import { registerIq } from './register.ts'
import { rosterIq } from './roster.ts'
import { bindIq, sessionIq } from './session.ts'
import { timeIq } from './time.ts'
import { vcardIq } from './vcard.ts'
import { versionIq } from './version.ts'

export const iqHandlers: readonly IqHandler[] = [
  rosterIq,
  pingIq,
  discoInfoIq,
  discoItemsIq,
  versionIq,
  timeIq,
  ...carbonsIq,
  registerIq,
  archiveIq,
  archiveMetadataIq,
  archivePreferencesIq,
  ...blockingIq,
  vcardIq,
  privateIq,
  lastIq,
  bindIq,
  sessionIq,
]

/** Those that are answered to people of other domains. */
export const openIqHandlers: readonly OpenIqHandler[] = [
  pingIq,
  discoInfoIq,
  discoItemsIq,
  versionIq,
  timeIq,
  vcardIq,
  lastIq,
]
