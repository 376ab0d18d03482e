// The baseline of `fanout`: what the first connection says is written to every other one, and nothing is looked at.
import { createServer, type Socket } from 'node:net'

let publisher: Socket | undefined
const watchers = new Set<Socket>()

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  if (publisher !== undefined) {
    watchers.add(socket)
    return
  }
  publisher = socket
  socket.on('data', (bytes) => {
    for (const watcher of watchers) watcher.write(bytes)
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
