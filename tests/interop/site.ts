// What a page in a browser is given and tells: it is loaded from here, says what happened by POST to `/said`, and waits at `/wait`.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'

/** What the page says, in order, and when it may go on. */
export class Site {
  readonly #said: unknown[] = []
  #wake: () => void = () => {}
  #goOn: () => void = () => {}
  readonly #waits = new Promise<void>((resolve) => {
    this.#goOn = resolve
  })
  origin = ''
  #server: Server | undefined

  /** @param script what is at `/script.js` */
  async open(html: () => string, script = ''): Promise<void> {
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      if (request.url === '/said') {
        this.#said.push(JSON.parse(body))
        this.#wake()
      }
      if (request.url === '/wait') await this.#waits
      const isScript = request.url === '/script.js'
      response.setHeader('Content-Type', `text/${isScript ? 'javascript' : 'html'}; charset=utf-8`)
      response.end(isScript ? script : request.url === '/' ? html() : '')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
  }

  goOn(): void {
    this.#goOn()
  }

  async next(): Promise<unknown> {
    while (this.#said.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('the page says nothing')), 60_000)
        this.#wake = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
    return this.#said.shift()
  }
}

/** Chromium without a window, which loads the page. */
export function browse(scene: Scene, path: string, { origin }: Site): Program {
  return scene.start('chromium', path, [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${join(scene.directory(), 'profile')}`,
    `${origin}/`,
  ])
}
