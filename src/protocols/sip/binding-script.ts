// What a script may look at in a request of SIP: RFC 3880 §4.1.1, §4.2.1, §4.3.1, §4.5.1.

import { type AddressField, type Head, type RequestFacts, type StringField, sipUri } from '#model'
import { unfolded, utf8Of } from './codec/grammar.ts'
import { header } from './codec/header-names.ts'
import { headerValuesNamed, requestUri, type SipRequest } from './codec/message.ts'
import { displayName, nameAddrOf } from './codec/name-addr.ts'

const fieldNames: Readonly<Record<StringField, string | undefined>> = {
  subject: 'Subject',
  organization: 'Organization',
  'user-agent': 'User-Agent',
  // "The field "display" is not used, and is never present."
  display: undefined,
}

/** @param head where it is going now, which a script before may have decided */
export function factsOf(request: SipRequest, head: Pick<Head, 'to' | 'divertedFrom'>): RequestFacts {
  return {
    address(field) {
      if (field === 'destination')
        return { uri: head.divertedFrom === undefined ? requestUri(request) : sipUri(head.to) }
      return party(request, field)
    },
    text(field) {
      const name = fieldNames[field]
      const value = name === undefined ? undefined : headerValuesNamed(request, name)[0]
      return value === undefined ? undefined : utf8Of(unfolded(value)).trim()
    },
    languages: () => languagesOf(request),
    priority: () => headerValuesNamed(request, 'Priority')[0]?.trim(),
  }
}

function party(request: SipRequest, field: AddressField) {
  const found = nameAddrOf(request, field === 'origin' ? header.from : header.to)
  if (found === undefined) return undefined
  const display = displayName(found)
  return { uri: found.uri, ...(display === undefined || display === '' ? {} : { display }) }
}

/** "Languages with a "q" value of 0 are also ignored." */
function languagesOf(request: SipRequest): readonly string[] | undefined {
  const fields = headerValuesNamed(request, 'Accept-Language')
  if (fields.length === 0) return undefined
  return fields
    .flatMap((field) => unfolded(field).split(','))
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter(
      ([range = '', ...params]) => range !== '' && !params.some((param) => /^q\s*=\s*0(\.0*)?$/i.test(param)),
    )
    .map(([range = '']) => range)
}
