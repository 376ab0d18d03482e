// Ports for programs that take no 0, and for servers that are started again where they were.

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Below what Linux gives to outgoing connections and to port 0 (32768 on): between now and its use nobody is given it. */
const [first, last] = [20_000, 31_999]
/** Test files run in processes of their own, at once: each looks from another place on. */
let next = first + ((process.pid * 61) % (last - first))

/** A port of 127.0.0.1 free for TCP and UDP, that this process has not yet given out. */
export async function freePort(): Promise<number> {
  for (let tried = first; tried <= last; tried++) {
    const port = next
    next = next === last ? first : next + 1
    if ((await takesTcp(port)) && (await takesUdp(port))) return port
  }
  throw new Error(`no port from ${first} to ${last} is free`)
}

function takesTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function takesUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
}
