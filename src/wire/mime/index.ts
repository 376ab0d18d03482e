// The door of mime: media types, transfer encodings, entities and multiparts, byte-exact.
export { decodeCharset } from './charset.ts'
export { describingFields, isContentField } from './content-fields.ts'
export { contentOf, contentTypeOf, type MimeEntity, parseEntity, textOf, writeEntity } from './entity.ts'
export { charsetOf, type MediaType, mediaType, mediaTypeText, parseMediaType } from './media-type.ts'
export {
  freshBoundary,
  isBoundary,
  type MultipartFault,
  type PartPlace,
  partsMax,
  splitMultipart,
  writeMultipart,
} from './multipart.ts'
export { parametersMax, parametersText, readParameters } from './parameters.ts'
export { isToken, quote, ValueReader } from './tokens.ts'
export {
  decodeBase64,
  decodeQuotedPrintable,
  decodeTransferEncoding,
  encodeBase64,
  encodeQuotedPrintable,
} from './transfer-encoding.ts'
