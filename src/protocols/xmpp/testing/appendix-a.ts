// RFC 6121 Appendix A restated as data: the nine states, and what each of the eight words does in each.
import type { AuthorizationEvent } from '#core'

export type StateName =
  | 'None'
  | 'None + Pending Out'
  | 'None + Pending In'
  | 'None + Pending Out+In'
  | 'To'
  | 'To + Pending In'
  | 'From'
  | 'From + Pending Out'
  | 'Both'

/** A.1: what a roster shows of a state, whether the owner is shown a request, and the contact's own state. */
export const states: Readonly<
  Record<StateName, { subscription: string; ask: boolean; pendingIn: boolean; mirror: StateName }>
> = {
  None: { subscription: 'none', ask: false, pendingIn: false, mirror: 'None' },
  'None + Pending Out': { subscription: 'none', ask: true, pendingIn: false, mirror: 'None + Pending In' },
  'None + Pending In': { subscription: 'none', ask: false, pendingIn: true, mirror: 'None + Pending Out' },
  'None + Pending Out+In': {
    subscription: 'none',
    ask: true,
    pendingIn: true,
    mirror: 'None + Pending Out+In',
  },
  To: { subscription: 'to', ask: false, pendingIn: false, mirror: 'From' },
  'To + Pending In': { subscription: 'to', ask: false, pendingIn: true, mirror: 'From + Pending Out' },
  From: { subscription: 'from', ask: false, pendingIn: false, mirror: 'To' },
  'From + Pending Out': { subscription: 'from', ask: true, pendingIn: false, mirror: 'To + Pending In' },
  Both: { subscription: 'both', ask: false, pendingIn: false, mirror: 'Both' },
}

/** How a state comes about: who says what, in order. */
export const ways: Readonly<
  Record<StateName, readonly (readonly ['user' | 'contact', AuthorizationEvent])[]>
> = {
  None: [],
  'None + Pending Out': [['user', 'subscribe']],
  'None + Pending In': [['contact', 'subscribe']],
  'None + Pending Out+In': [
    ['user', 'subscribe'],
    ['contact', 'subscribe'],
  ],
  To: [
    ['user', 'subscribe'],
    ['contact', 'subscribed'],
  ],
  'To + Pending In': [
    ['user', 'subscribe'],
    ['contact', 'subscribed'],
    ['contact', 'subscribe'],
  ],
  From: [
    ['contact', 'subscribe'],
    ['user', 'subscribed'],
  ],
  'From + Pending Out': [
    ['contact', 'subscribe'],
    ['user', 'subscribed'],
    ['user', 'subscribe'],
  ],
  Both: [
    ['contact', 'subscribe'],
    ['user', 'subscribed'],
    ['user', 'subscribe'],
    ['contact', 'subscribed'],
  ],
}

/** `goesOn`: routed (outbound) or delivered (inbound). */
export interface Row {
  readonly goesOn: boolean
  readonly next: StateName
  /** A.2.3 note 1: noted as a pre-approval. */
  readonly preApproved?: true
  /** A.3.1 note 2, A.3.2 note 1. */
  readonly reply?: AuthorizationEvent
}

export type Table = Readonly<Record<StateName, Row>>

const onTo = (next: StateName, reply?: AuthorizationEvent): Row => ({
  goesOn: true,
  next,
  ...(reply === undefined ? {} : { reply }),
})
const stays = (next: StateName, reply?: AuthorizationEvent): Row => ({ ...onTo(next, reply), goesOn: false })
const noted = (next: StateName): Row => ({ goesOn: false, next, preApproved: true })

export const outbound: Readonly<Record<AuthorizationEvent, readonly [table: string, rows: Table]>> = {
  subscribe: [
    'Table 2',
    {
      None: onTo('None + Pending Out'),
      'None + Pending Out': onTo('None + Pending Out'),
      'None + Pending In': onTo('None + Pending Out+In'),
      'None + Pending Out+In': onTo('None + Pending Out+In'),
      To: onTo('To'),
      'To + Pending In': onTo('To + Pending In'),
      From: onTo('From + Pending Out'),
      'From + Pending Out': onTo('From + Pending Out'),
      Both: onTo('Both'),
    },
  ],
  unsubscribe: [
    'Table 3',
    {
      None: onTo('None'),
      'None + Pending Out': onTo('None'),
      'None + Pending In': onTo('None + Pending In'),
      'None + Pending Out+In': onTo('None + Pending In'),
      To: onTo('None'),
      'To + Pending In': onTo('None + Pending In'),
      From: onTo('From'),
      'From + Pending Out': onTo('From'),
      Both: onTo('From'),
    },
  ],
  subscribed: [
    'Table 4',
    {
      None: noted('None'),
      'None + Pending Out': noted('None + Pending Out'),
      'None + Pending In': onTo('From'),
      'None + Pending Out+In': onTo('From + Pending Out'),
      To: noted('To'),
      'To + Pending In': onTo('Both'),
      From: stays('From'),
      'From + Pending Out': stays('From + Pending Out'),
      Both: stays('Both'),
    },
  ],
  unsubscribed: [
    'Table 5',
    {
      None: stays('None'),
      'None + Pending Out': stays('None + Pending Out'),
      'None + Pending In': onTo('None'),
      'None + Pending Out+In': onTo('None + Pending Out'),
      To: stays('To'),
      'To + Pending In': onTo('To'),
      From: onTo('None'),
      'From + Pending Out': onTo('None + Pending Out'),
      Both: onTo('To'),
    },
  ],
}

export const inbound: Readonly<Record<AuthorizationEvent, readonly [table: string, rows: Table]>> = {
  subscribe: [
    'Table 6',
    {
      None: onTo('None + Pending In'),
      'None + Pending Out': onTo('None + Pending Out+In'),
      'None + Pending In': stays('None + Pending In'),
      'None + Pending Out+In': stays('None + Pending Out+In'),
      To: onTo('To + Pending In'),
      'To + Pending In': stays('To + Pending In'),
      From: stays('From', 'subscribed'),
      'From + Pending Out': stays('From + Pending Out', 'subscribed'),
      Both: stays('Both', 'subscribed'),
    },
  ],
  unsubscribe: [
    'Table 7',
    {
      None: stays('None'),
      'None + Pending Out': stays('None + Pending Out'),
      'None + Pending In': onTo('None', 'unsubscribed'),
      'None + Pending Out+In': onTo('None + Pending Out', 'unsubscribed'),
      To: stays('To'),
      'To + Pending In': onTo('To', 'unsubscribed'),
      From: onTo('None', 'unsubscribed'),
      'From + Pending Out': onTo('None + Pending Out', 'unsubscribed'),
      Both: onTo('To', 'unsubscribed'),
    },
  ],
  subscribed: [
    'Table 8',
    {
      None: stays('None'),
      'None + Pending Out': onTo('To'),
      'None + Pending In': stays('None + Pending In'),
      'None + Pending Out+In': onTo('To + Pending In'),
      To: stays('To'),
      'To + Pending In': stays('To + Pending In'),
      From: stays('From'),
      'From + Pending Out': onTo('Both'),
      Both: stays('Both'),
    },
  ],
  unsubscribed: [
    'Table 9',
    {
      None: stays('None'),
      'None + Pending Out': onTo('None'),
      'None + Pending In': stays('None + Pending In'),
      'None + Pending Out+In': onTo('None + Pending In'),
      To: onTo('None'),
      'To + Pending In': onTo('None + Pending In'),
      From: stays('From'),
      'From + Pending Out': onTo('From'),
      Both: onTo('From'),
    },
  ],
}
