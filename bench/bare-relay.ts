// The baseline: bytes in, bytes out, no protocol. The connections of a pair, in the order they come, are joined.
import { createServer, type Socket } from 'node:net'

let waiting: Socket | undefined

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  const other = waiting
  if (other === undefined) {
    waiting = socket
    return
  }
  waiting = undefined
  socket.on('data', (bytes) => other.write(bytes))
  other.on('data', (bytes) => socket.write(bytes))
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
