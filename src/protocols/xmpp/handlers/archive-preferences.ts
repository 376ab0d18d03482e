// What of a person's messages is archived (XEP-0441): a view of the account's one wish, which all protocols obey.
import { type ArchivingPreferences, deviceKey, partyOfKey } from '#core'
import { type Element, xml } from '#wire/xml'
import { fullJid, parseJid } from '../codec/jid.ts'
import { archiveNamespace } from '../codec/namespaces.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOf } from '../errors.ts'
import { hasArchive } from './archive.ts'
import type { IqHandler } from './iq.ts'

const keepsAll: ArchivingPreferences = { default: 'always', always: new Set(), never: new Set() }

export const archivePreferencesIq: IqHandler = {
  payload: `{${archiveNamespace}}prefs`,
  addressee: 'account',
  ofPersons: 'forbidden',
  isOffered: hasArchive,
  get: ({ session, result }) => result(preferencesElement(session.account.archiving ?? keepsAll)),
  set: ({ session, payload, result, error }) => {
    const read = readPreferences(payload)
    if ('condition' in read) return error(read)
    session.service.archiving.prefer(session.owner, read, (outcome) => {
      if (outcome.kind === 'refused') error(stanzaErrorOf(outcome.condition))
      else result(preferencesElement(read))
    })
  },
}

function readPreferences(prefs: Element): ArchivingPreferences | StanzaError {
  const others = prefs.attribute('default')
  if (others !== 'always' && others !== 'never' && others !== 'roster') return stanzaError('bad-request')
  const always = readList(prefs, 'always')
  const never = readList(prefs, 'never')
  if (always === undefined || never === undefined) return stanzaError('jid-malformed')
  return { default: others, always, never }
}

/** §2.1.2: a list that is missing is empty. */
function readList(prefs: Element, name: 'always' | 'never'): ReadonlySet<string> | undefined {
  const keys = new Set<string>()
  for (const child of prefs.child(name, archiveNamespace)?.childrenNamed('jid') ?? []) {
    const jid = parseJid(child.text().trim())
    if (jid === undefined) return undefined
    keys.add(deviceKey(jid.address, jid.resource))
  }
  return keys
}

/** §2.1: both lists are there, though they be empty. */
function preferencesElement({ default: others, always, never }: ArchivingPreferences): Element {
  const list = (name: string, keys: ReadonlySet<string>): Element =>
    xml(name, archiveNamespace, {}, ...[...keys].map(jidElement))
  return xml('prefs', archiveNamespace, { default: others }, list('always', always), list('never', never))
}

function jidElement(key: string): Element {
  const { address, agent } = partyOfKey(key)
  return xml('jid', archiveNamespace, {}, fullJid(address, agent))
}
