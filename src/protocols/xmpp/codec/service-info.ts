// What an entity says of itself (XEP-0030 §3, XEP-0128), and the hash of it by which others know it again (XEP-0115 §5.1).
import { createHash } from 'node:crypto'
import { type Element, xml } from '#wire/xml'
import { capsNamespace, dataFormsNamespace, discoInfoNamespace } from './namespaces.ts'

export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** A form of extended information: its FORM_TYPE and its fields with their values. */
export interface InfoForm {
  readonly type: string
  readonly fields: readonly (readonly [name: string, values: readonly string[]])[]
}

export interface ServiceInfo {
  readonly identities: readonly Identity[]
  readonly features: readonly string[]
  readonly forms: readonly InfoForm[]
}

/** `node` where the question named one, which the answer repeats (XEP-0115 §6.2). */
export function infoElement(info: ServiceInfo, node: string | undefined): Element {
  return xml(
    'query',
    discoInfoNamespace,
    { node },
    ...info.identities.map(({ category, type, name }) =>
      xml('identity', discoInfoNamespace, { category, type, name }),
    ),
    ...info.features.map((feature) => xml('feature', discoInfoNamespace, { var: feature })),
    ...info.forms.map(formElement),
  )
}

function formElement({ type, fields }: InfoForm): Element {
  const field = (attributes: Record<string, string>, values: readonly string[]): Element =>
    xml(
      'field',
      dataFormsNamespace,
      attributes,
      ...values.map((value) => xml('value', dataFormsNamespace, {}, value)),
    )
  return xml(
    'x',
    dataFormsNamespace,
    { type: 'result' },
    field({ var: 'FORM_TYPE', type: 'hidden' }, [type]),
    ...fields.map(([name, values]) => field({ var: name }, values)),
  )
}

/** XEP-0115 §5.1: the verification string. */
export function verificationOf({ identities, features, forms }: ServiceInfo): string {
  const parts = [
    ...sorted(identities.map(({ category, type, name }) => `${category}/${type}//${name ?? ''}`)),
    ...sorted(features),
  ]
  for (const form of [...forms].sort((one, other) => byOctets(one.type, other.type))) {
    parts.push(form.type)
    for (const [name, values] of [...form.fields].sort(([one], [other]) => byOctets(one, other)))
      parts.push(name, ...sorted(values))
  }
  const text = parts.map((part) => `${part}<`).join('')
  return createHash('sha1').update(text, 'utf8').digest('base64')
}

/** XEP-0115 §4. */
export function capsElement(node: string, verification: string): Element {
  return xml('c', capsNamespace, { hash: 'sha-1', node, ver: verification })
}

/** i;octet (RFC 4790 §9.3). */
function byOctets(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort(byOctets)
}
