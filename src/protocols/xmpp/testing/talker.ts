// A client that keeps a conversation over broken connections as XEP-0198 asks of clients: it counts, acknowledges, resumes and sends again.
import type { Element } from '#wire/xml'
import { back, sm } from './managed-client.ts'
import type { TestClient } from './test-client.ts'
import type { TestDomain } from './test-domain.ts'

export class Talker {
  readonly #domain: TestDomain
  readonly #user: string
  readonly #to: string
  #client: TestClient
  #id = ''
  /** Stanzas that came on all streams of the session. */
  #handled = 0
  /** Ours that the server has not acknowledged. */
  #unacknowledged: string[] = []
  #sent = 0
  #said = 0
  readonly heard: string[] = []
  failures = 0
  /** Its connection is lost. */
  #isAway = false

  private constructor(domain: TestDomain, user: string, to: string, client: TestClient) {
    this.#domain = domain
    this.#user = user
    this.#to = to
    this.#client = client
  }

  static async begin(domain: TestDomain, user: string, to: string): Promise<Talker> {
    const client = await domain.available(user, 'r')
    const talker = new Talker(domain, user, to, client)
    client.send(`<enable ${sm} resume='true'/>`)
    talker.#id = (await client.nextElement()).attribute('id') as string
    return talker
  }

  get said(): readonly string[] {
    return Array.from({ length: this.#said }, (_, k) => `${this.#user} ${k}`)
  }

  say(): void {
    const id = `${this.#user} ${this.#said++}`
    const stanza = `<message to='${this.#to}' type='chat' id='${id}'><body>${'x'.repeat(this.#said % 50)}</body></message>`
    this.#unacknowledged.push(stanza)
    this.#sent++
    this.#client.connection.writeUtf8(stanza)
  }

  ask(): void {
    this.#client.connection.writeUtf8(`<r ${sm}/>`)
  }

  /** Reads what came. On a connection that it has given up it reads nothing more: no stream has a gap (RFC 6120 §10.1). */
  read(): void {
    if (this.#isAway) return
    for (const element of this.#client.received.splice(0)) this.#take(element)
  }

  #take(element: Element): void {
    const h = Number(element.attribute('h'))
    if (element.name === 'r') this.#client.connection.writeUtf8(`<a ${sm} h='${this.#handled}'/>`)
    else if (element.name === 'a') this.#acknowledged(h)
    else {
      this.#handled++
      if (element.name !== 'message') return
      if (element.attribute('type') === 'error') this.failures++
      else this.heard.push(element.attribute('id') as string)
    }
  }

  #acknowledged(h: number): void {
    this.#unacknowledged.splice(0, this.#unacknowledged.length - (this.#sent - h))
  }

  /**
   * Loses the connection.
   * @param how `cut`: at once; `torn`: in the middle of a stanza; `forgotten`: without the server's noticing
   */
  lose(how: 'cut' | 'torn' | 'forgotten'): void {
    const { connection } = this.#client
    if (how === 'torn') {
      this.say()
      connection.writeUtf8(`<message to='${this.#to}' id='torn'><bo`)
    }
    if (how !== 'forgotten') connection.destroy()
    this.#isAway = true
  }

  async comeBack(): Promise<void> {
    const client = await back(this.#domain, this.#user)
    client.send(`<resume ${sm} previd='${this.#id}' h='${this.#handled}'/>`)
    const resumed = await client.nextElement()
    if (resumed.name !== 'resumed') throw new Error(`${this.#user} was not resumed: <${resumed.name}/>`)
    this.#client = client
    this.#isAway = false
    this.#acknowledged(Number(resumed.attribute('h')))
    for (const stanza of this.#unacknowledged) client.connection.writeUtf8(stanza)
  }
}
