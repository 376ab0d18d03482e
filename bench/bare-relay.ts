// The baseline: bytes in, bytes out, no protocol. The connections of a pair, in the order they come, are joined; where a second port is
// given, each is joined to a connection to that.
import { connect, createServer, type Socket } from 'node:net'

const [port, next] = process.argv.slice(2).map(Number)
let waiting: Socket | undefined

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  const other = next === undefined ? waiting : onward(next)
  if (other === undefined) {
    waiting = socket
    return
  }
  waiting = undefined
  socket.on('data', (bytes) => other.write(bytes))
  other.on('data', (bytes) => socket.write(bytes))
})
function onward(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => socket.destroy())
  return socket
}

server.listen(port, '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
