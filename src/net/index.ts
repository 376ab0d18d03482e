// The door of net: the only folder that opens sockets or asks DNS.

export { defaultListenerLimits, type ListenerLimits, sourceOf } from './admission.ts'
export { readAuthorities } from './authorities.ts'
export { ensureCertificates, type OwnCertificates } from './certificate-authority.ts'
export { certificateReason } from './certificate-reason.ts'
export { channelBindings } from './channel-bindings.ts'
export { type ConnectTcpOptions, connectTcp } from './connect-tcp.ts'
export {
  type CloseReason,
  type CloseWhy,
  type Connection,
  type ConnectionHandler,
  type ConnectionLimits,
  defaultConnectionLimits,
  type Endpoint,
  plainAddress,
  type StartTlsOptions,
} from './connection.ts'
export { type ConnectionPairOptions, connectionPair } from './connection-pair.ts'
export {
  DnsError,
  fixedResolver,
  type NaptrRecord,
  naptrOrder,
  type Resolver,
  type SrvRecord,
  type SystemResolverOptions,
  srvOrder,
  systemResolver,
} from './dns.ts'
export { hasDnsName, type Proof, type ProofPolicy, proofOfDomain } from './domain-proof.ts'
export {
  defaultHttpLimits,
  type HttpLimits,
  type HttpListener,
  type HttpRequest,
  type HttpResponse,
  type ListenHttpOptions,
  listenHttp,
} from './http.ts'
export { askHttp, type HttpAnswer, type HttpQuestion } from './http-client.ts'
export { type ListenAddress, listenAddressText, parseListenAddress } from './listen-address.ts'
export { ListenError } from './listen-error.ts'
export { type NetMetrics, netMetrics } from './net-metrics.ts'
export { flushConnections } from './output.ts'
export { type Place, placeOf } from './place-of.ts'
export {
  knownPlaces,
  onlyPlace,
  PlaceFinder,
  type Places,
  type PlacesExamination,
  type PlaceTry,
  type Reached,
  type ServiceNames,
} from './places.ts'
export { plainReason } from './plain-reason.ts'
export { isPublicAddress } from './public-address.ts'
export { RateLimit, type RateLimitOptions } from './rate-limit.ts'
export { ReadingPace, type ReadingPaceOptions } from './reading-pace.ts'
export { connectFirst, type ServerPlace, type ServiceName, serverPlace, serversOf } from './server-place.ts'
export { type ListenTcpOptions, listenTcp, type TcpListener } from './tcp-listener.ts'
export {
  type CertificateFiles,
  clientTlsContext,
  type LoadedCertificate,
  type TlsContextOptions,
  TlsContexts,
  TlsFileError,
} from './tls-context.ts'
export type { TlsContext, TlsInfo } from './tls-info.ts'
export {
  defaultUdpLimits,
  type ListenUdpOptions,
  listenUdp,
  type UdpLimits,
  type UdpListener,
} from './udp.ts'
export {
  type HeaderFields,
  TrustedProxies,
  type WebConnection,
  type WebOffer,
  type WebOffers,
  type WebPage,
  type WebPolicy,
} from './web-offer.ts'
export { WebSockets, type WebSocketsOptions } from './websocket.ts'
