// A component by hand (XEP-0114): a program that serves a domain of its own over a connection to us.
// `NAME = component DOMAIN as=DOMAIN secret=SECRET`: it goes to the server of the first domain, and serves the second.
import { createHash } from 'node:crypto'
import type { PartyContext } from './party.ts'
import { optionOf, XmppServerParty } from './xmpp-server-party.ts'

export class ComponentParty extends XmppServerParty {
  protected override readonly namespace = 'jabber:component:accept'
  readonly #secret: string

  constructor(words: readonly string[], context: PartyContext) {
    super(words, context)
    this.#secret = optionOf(words, 'secret') ?? ''
  }

  protected override async connect(): Promise<void> {
    this.read(this.reach('xmpp.component'))
    const came = this.nextStream()
    this.write(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'" +
        ` xmlns:stream='http://etherx.jabber.org/streams' to='${this.as}'>`,
    )
    const id = await came
    const shown = createHash('sha1').update(`${id}${this.#secret}`).digest('hex')
    this.write(`<handshake>${shown}</handshake>`)
  }

  protected override async signIn(): Promise<void> {
    await this.connect()
    await this.expect('handshake')
  }
}
