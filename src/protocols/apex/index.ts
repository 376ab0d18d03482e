// The door of apex: the Application Exchange (RFC 3340) with its access and presence services (RFC 3341, RFC 3343), on BEEP.
export { protocol } from './protocol.ts'
