// The door of exchange for tests: what those of several protocols share.
export { cutFailed, cutPoints, seed } from './cut-points.ts'
export { at, type ServerInMemory, type Surroundings, serverInMemory, settled } from './server.ts'
export { welcome } from './welcome.ts'
export { Wires } from './wires.ts'
