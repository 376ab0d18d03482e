// A person at the command line, logged in to the running server as a client: what the commands need of it.

export interface LanguageText {
  readonly language: string
  readonly text: string
}

export interface PresenceTuple {
  readonly id: string
  readonly basic?: 'open' | 'closed'
  readonly show?: 'away' | 'chat' | 'dnd' | 'xa'
  readonly notes: readonly LanguageText[]
  readonly contact?: { readonly uri: string; readonly priority?: number }
  readonly timestamp?: string
}

export interface Presence {
  readonly entity: string
  readonly tuples: readonly PresenceTuple[]
  readonly notes: readonly LanguageText[]
}

export interface OutgoingMessage {
  readonly to: string
  readonly text: string
  readonly subject: string | undefined
  readonly thread: string | undefined
}

export interface IncomingMessage {
  readonly from: string
  /** RFC 3339, when it was stored for an absent person. */
  readonly stored: string | undefined
  readonly thread: string | undefined
  readonly subject: string | undefined
  /** Undefined when it is no text. */
  readonly text: string | undefined
  readonly contentType: string
}

export interface AccessRule {
  /** An address, a domain, `*.domain` for it and its subdomains, or `*`. */
  readonly subject: string
  readonly action: 'allow' | 'block' | 'polite-block' | 'confirm'
  readonly visibility?: 'full' | 'basic' | `class:${string}`
}

export interface Access {
  list(): Promise<readonly AccessRule[]>
  put(...rules: readonly AccessRule[]): Promise<void>
  remove(...subjects: readonly string[]): Promise<void>
}

export interface HistoryQuery {
  readonly with: string | undefined
  readonly since: Date | undefined
  readonly until: Date | undefined
  /** The id of a message: what came after it. */
  readonly after: string | undefined
  /** The newest so many. */
  readonly last: number | undefined
}

export interface HistoryMessage {
  readonly id: string
  /** RFC 3339 */
  readonly at: string
  readonly direction: 'received' | 'sent'
  readonly peer: string
  readonly messageId: string
  readonly thread: string | undefined
  readonly subject: string | undefined
  readonly text: string | undefined
  readonly contentType: string
  /** Why the content is not there. */
  readonly omitted: string | undefined
}

export interface Watching {
  /** Their presence is known, or changed. */
  presence(presence: Presence): void
  /** They have not agreed yet. */
  pending(): void
  /** The server ended it: refused, or the account is gone. */
  ended(reason: string): void
}

/** What every protocol can. Each call rejects with a CommandFailure, when the server says no and when it cannot. */
export interface Correspondent {
  readonly address: string
  /** Delivered to a device, or stored for later; with the message's id. */
  send(
    message: OutgoingMessage,
  ): Promise<{ readonly result: 'delivered' | 'stored' | 'relayed'; readonly id: string }>
  fetch(target: string): Promise<Presence>
  /** Watches until the person leaves. */
  watch(target: string, watching: Watching): Promise<void>
  /** Says how the person is; `seconds` is a lease, `permanent` what is shown when nothing else is. Answers the lease granted. */
  publish(presence: Omit<PresenceTuple, 'id'>, lease: number | 'permanent'): Promise<number | 'permanent'>
  /** Resolves when the connection is over, with why. */
  readonly lost: Promise<string>
  leave(): Promise<void>
}

/** Somebody logged in by IMPP, which has words for the person's own lists too. */
export interface Person extends Correspondent {
  readonly access: Access
  history(query: Partial<HistoryQuery>): AsyncIterable<HistoryMessage>
}

export interface ConnectionState {
  readonly kind: 'connected' | 'reconnecting' | 'closed'
  readonly why?: string
  /** Until the next try. */
  readonly seconds?: number
}

export interface LoginOptions {
  readonly address: string
  readonly password: string
  /** `host:port`; undefined: where the configuration says that clients of the protocol connect. */
  readonly server: string | undefined
  readonly config: string | undefined
  /** PEM files of authorities to trust, beside the system's and this installation's own. */
  readonly trust: readonly string[]
  /** What the command is about, where the protocol has a login for each; undefined: both. */
  readonly service?: 'messages' | 'presence'
  /** Whether a connection that is lost is made again. */
  readonly lasting?: boolean
  /** How the connection is. */
  readonly onState?: (state: ConnectionState) => void
  /** Called for each message that comes; absent: the person takes none. */
  readonly onMessage?: (message: IncomingMessage) => void
}
