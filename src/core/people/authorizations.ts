// The subscription states of RFC 6121 Appendix A, pure: what an authorization becomes, and what goes on. The nine states
// are the legal combinations of four flags; pre-approval (§3.4) is a fifth beside them.
import type { AuthorizationEvent } from '../agents.ts'
import type { Authorization } from './contact.ts'

export interface Outbound {
  readonly next: Authorization
  /** Whether the word goes on to the other side. */
  readonly route: boolean
}

export interface Inbound {
  readonly next: Authorization
  /** Whether the owner is told. */
  readonly deliver: boolean
  /** What the server answers in the owner's name. */
  readonly reply?: AuthorizationEvent
}

/** The owner says `event` to the contact (RFC 6121 Appendix A.2). */
export function outbound(state: Authorization, event: AuthorizationEvent): Outbound {
  switch (event) {
    case 'subscribe': // Table 2
      return { next: state.to ? state : { ...state, pendingOut: true }, route: true }
    case 'unsubscribe': // Table 3
      return { next: { ...state, to: false, pendingOut: false }, route: true }
    case 'subscribed': // Table 4
      if (state.pendingIn) return { next: { ...state, from: true, pendingIn: false }, route: true }
      return { next: state.from ? state : { ...state, preApproved: true }, route: false }
    case 'unsubscribed': // Table 5; §3.4.2 cancels a pre-approval
      return {
        next: { ...state, from: false, pendingIn: false, preApproved: false },
        route: state.from || state.pendingIn,
      }
  }
}

/** The contact says `event` to the owner (RFC 6121 Appendix A.3). */
export function inbound(state: Authorization, event: AuthorizationEvent): Inbound {
  switch (event) {
    case 'subscribe': // Table 6
      if (state.from) return { next: state, deliver: false, reply: 'subscribed' }
      if (state.preApproved) return { next: { ...state, from: true }, deliver: false, reply: 'subscribed' }
      // §3.1.3: one request of a contact is kept and delivered, the first.
      if (state.pendingIn) return { next: state, deliver: false }
      return { next: { ...state, pendingIn: true }, deliver: true }
    case 'unsubscribe': {
      // Table 7
      const change = state.from || state.pendingIn
      if (!change) return { next: state, deliver: false }
      return { next: { ...state, from: false, pendingIn: false }, deliver: true, reply: 'unsubscribed' }
    }
    case 'subscribed': // Table 8
      if (!state.pendingOut) return { next: state, deliver: false }
      return { next: { ...state, to: true, pendingOut: false }, deliver: true }
    case 'unsubscribed': // Table 9
      if (!state.pendingOut && !state.to) return { next: state, deliver: false }
      return { next: { ...state, to: false, pendingOut: false }, deliver: true }
  }
}
