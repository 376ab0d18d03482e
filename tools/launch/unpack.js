// Takes single files out of a gzipped tar archive (POSIX pax interchange format: 512-byte headers, size in octal at 124,
// name at 0, prefix at 345). Only what a registry archive needs: regular files with short names; others are passed over.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { SetupError } from './say.js'

const block = 512

/**
 * Writes the members named in `wanted` (name in the archive -> path and mode). Throws a SetupError if one is missing or the
 * archive is cut short.
 * @param {string} archive
 * @param {Record<string, { path: string, mode: number }>} wanted
 */
export async function unpack(archive, wanted) {
  const source = createReadStream(archive)
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error))
  const found = new Set()
  try {
    for await (const member of members(source.pipe(gunzip))) {
      const target = wanted[member.name]
      if (!target) continue
      const file = await open(target.path, 'wx', target.mode)
      try {
        for await (const piece of member.body) await file.writeFile(piece)
      } finally {
        await file.close()
      }
      found.add(member.name)
    }
  } catch (/** @type {any} */ error) {
    if (/^Z_/.test(error.code ?? ''))
      throw new SetupError(`the archive ${archive} is damaged (${error.message})`)
    throw error
  } finally {
    source.destroy()
  }
  const missing = Object.keys(wanted).filter((name) => !found.has(name))
  if (missing.length > 0) throw new SetupError(`the archive ${archive} holds no ${missing.join(', no ')}`)
}

/**
 * The regular files of a tar stream in order. A body that is not read is passed over.
 * @param {AsyncIterable<Buffer>} stream
 * @returns {AsyncGenerator<{ name: string, body: AsyncIterable<Buffer> }>}
 */
async function* members(stream) {
  const bytes = new Reader(stream)
  for (;;) {
    const header = await bytes.exactly(block)
    if (header === undefined || header[0] === 0) return
    const size = Number.parseInt(text(header, 124, 12), 8)
    if (!Number.isSafeInteger(size) || size < 0)
      throw new SetupError('the archive is damaged (a size is not a number)')
    const padded = Math.ceil(size / block) * block
    const end = bytes.position + padded
    const type = header[156]
    if (type === 0 || type === 0x30) yield { name: nameOf(header), body: bytes.pieces(size) }
    await bytes.skip(end - bytes.position)
  }
}

/** @param {Buffer} header */
function nameOf(header) {
  const prefix = text(header, 345, 155)
  const name = text(header, 0, 100)
  return prefix ? `${prefix}/${name}` : name
}

/** @param {Buffer} header @param {number} start @param {number} length */
function text(header, start, length) {
  const end = header.subarray(start, start + length).indexOf(0)
  return header.toString('latin1', start, end < 0 ? start + length : start + end).trim()
}

/** Cuts a stream of chunks at the places a caller asks for. */
class Reader {
  position = 0
  /** @type {AsyncIterator<Buffer>} */ #chunks
  /** @type {Buffer} */ #rest = Buffer.alloc(0)

  /** @param {AsyncIterable<Buffer>} stream */
  constructor(stream) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** Up to `most` bytes, at least one; undefined at the end of the stream. @param {number} most */
  async #some(most) {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done) return undefined
      this.#rest = next.value
    }
    const piece = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(piece.length)
    this.position += piece.length
    return piece
  }

  /** @param {number} size */
  async *pieces(size) {
    for (let left = size; left > 0; ) {
      const piece = await this.#some(left)
      if (piece === undefined) throw new SetupError('the archive is cut short')
      left -= piece.length
      yield piece
    }
  }

  /** `size` bytes together, or undefined when the stream ended exactly here. @param {number} size */
  async exactly(size) {
    const first = await this.#some(size)
    if (first === undefined || first.length === size) return first
    const all = [first]
    for await (const piece of this.pieces(size - first.length)) all.push(piece)
    return Buffer.concat(all)
  }

  /** @param {number} size */
  async skip(size) {
    for await (const _ of this.pieces(size));
  }
}
