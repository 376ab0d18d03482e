// Makes small registry archives for tests: a gzipped tar of regular files.

import { gzipSync } from 'node:zlib'

export interface Member {
  name: string
  body: string | Buffer
  mode?: number
}

export function makeArchive(members: Member[]): Buffer {
  const blocks = members.flatMap(({ name, body, mode = 0o644 }) => {
    const bytes = Buffer.from(body as string)
    return [headerOf(name, bytes.length, mode), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

function headerOf(name: string, size: number, mode: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.fill(' ', 148, 156)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
