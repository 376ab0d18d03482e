// A package registry on loopback with one package, counting what is asked of it.

import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Registry {
  url: string
  /** Archives given out so far. */
  downloads(): number
  close(): Promise<void>
}

export function integrityOf(archive: Buffer): string {
  return `sha512-${createHash('sha512').update(archive).digest('base64')}`
}

/** Serves `archive` as `name`@`version`, stating `stated` as its integrity. */
export async function serveRegistry(
  name: string,
  version: string,
  archive: Buffer,
  stated: string = integrityOf(archive),
): Promise<Registry> {
  let downloads = 0
  const server = createServer((request, response) => {
    if (request.url === `/${name}`) {
      const tarball = `${url}/${name}/-/${name}-${version}.tgz`
      const manifest = { name, version, dist: { tarball, integrity: stated } }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: manifest } }),
      )
    } else if (request.url?.endsWith('.tgz')) {
      downloads++
      response.end(archive)
    } else {
      response.statusCode = 404
      response.end('{}')
    }
  })
  const url = await listen(server)
  return { url, downloads: () => downloads, close: () => close(server) }
}

/** A registry that accepts and never answers; `asked` resolves at the first request. */
export async function serveSilence(): Promise<{ url: string; asked: Promise<void>; close(): Promise<void> }> {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const server = createServer(() => resolve())
  return { url: await listen(server), asked, close: () => close(server) }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()).closeAllConnections())
}
