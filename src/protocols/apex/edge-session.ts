// One BEEP session of an application: what it is attached as, over all its channels (RFC 3340 §4.4.3: "over this BEEP session").

import type { Session } from '#protocols/beep'
import type { Attachment } from './attachment.ts'
import type { EndpointName } from './codec/index.ts'
import { sameEndpoint } from './codec/index.ts'

export class EdgeSession {
  readonly beep: Session
  readonly attachments = new Set<Attachment>()
  isOver = false

  constructor(beep: Session) {
    this.beep = beep
  }

  /** §4.5.1, the identity function: an application originates as what it is attached as. */
  attachedAs(endpoint: EndpointName): Attachment | undefined {
    for (const attachment of this.attachments)
      if (sameEndpoint(attachment.endpoint, endpoint)) return attachment
    return undefined
  }

  endAll(): void {
    for (const attachment of [...this.attachments]) attachment.end()
  }

  over(): void {
    this.isOver = true
    this.endAll()
  }
}
