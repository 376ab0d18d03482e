// What this server can do, in the words of Allow and Supported.

/** Allow (RFC 3261 §20.5). */
export const allowed = 'ACK, BYE, CANCEL, MESSAGE, NOTIFY, OPTIONS, PUBLISH, REGISTER, SUBSCRIBE'

/** Allow-Events (RFC 6665 §8.2.2): what may be watched. */
export const allowedEvents = 'presence, presence.winfo, reg'

/** Methods that we know and do not allow: 405; any other one gets 501 (RFC 3261 §8.2.1, §21.5.2). */
export const notAllowed: ReadonlySet<string> = new Set(['INVITE', 'INFO', 'PRACK', 'UPDATE', 'REFER'])

/** Option tags that we understand where a request requires them (RFC 3261 §8.2.2.3): of RFC 3327, RFC 5626 and RFC 5627. */
export const supported: ReadonlySet<string> = new Set(['path', 'outbound', 'gruu'])
