// A server of another domain that speaks IMPP/1.0 by hand, as the protocol's document says, apart from the server's codec.
// `NAME = impp_server DOMAIN as=DOMAIN [certificate=DOMAIN|none] [largest=octets]`: it goes to the server of the first domain in the name
// of the second. Requests of people are written whole; `Hops` and `Transmission` among their fields go into an envelope.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { certificatesOf } from './certificates.ts'
import { ImppParty } from './impp-party.ts'
import type { PartyContext } from './party.ts'

export class ImppServerParty extends ImppParty {
  readonly #to: string
  readonly #as: string
  readonly #certificate: string
  readonly #largest: string

  constructor(words: readonly string[], context: PartyContext) {
    super(words, context)
    const option = (name: string): string | undefined =>
      words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
    this.#to = words[0] as string
    this.#as = option('as') ?? 'nobody.example'
    this.#certificate = option('certificate') ?? this.#as
    this.#largest = option('largest') ?? '65536'
  }

  override async act(what: string, block: string): Promise<void> {
    if (what === 'connects') return this.#connect()
    if (what === 'secures') return this.#secure()
    return super.act(what, block)
  }

  protected override get url(): string {
    return `impp://${this.#as}/`
  }

  protected override async signIn(): Promise<void> {
    await this.#connect()
    await this.#secure()
    const who = Buffer.from(this.#as).toString('base64')
    await this.exchange('AUTH', `Mechanism: EXTERNAL\nData: ${who}`)
    this.connectionId = '0'
  }

  async #connect(): Promise<void> {
    this.open('impp.server')
    await this.#hello()
  }

  async #secure(): Promise<void> {
    await this.exchange('STARTTLS', '')
    const plain = this.socket
    if (plain === undefined) throw new Error('is not connected')
    plain.removeAllListeners('data')
    const files = this.#certificate === 'none' ? undefined : await certificatesOf(this.#certificate)
    const own = files === undefined ? {} : { cert: read(files, 'server.crt'), key: read(files, 'server.key') }
    const secure = connect({ socket: plain, servername: this.#to, rejectUnauthorized: false, ...own })
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
    this.readFrom(secure)
    await this.#hello()
  }

  #hello(): Promise<unknown> {
    const domains = `Domain: ${this.#to}\nOriginating-Domain: ${this.#as}`
    return this.exchange('HELLO', `${domains}\nMax-Message-Size: ${this.#largest}\nMax-Pending: 16`)
  }

  protected override write(first: string, fields: readonly string[], body: string | Buffer): void {
    const isOuter = (field: string): boolean => /^(Hops|Transmission):/i.test(field)
    const outer = fields.filter(isOuter)
    if (outer.length > 0) this.socket?.write(`ENVELOPE impp/1.0\r\n${outer.join('\r\n')}\r\n\r\n`)
    super.write(
      first,
      fields.filter((field) => !isOuter(field)),
      body,
    )
  }
}

function read(directory: string, file: string): Buffer {
  return readFileSync(join(directory, file))
}
