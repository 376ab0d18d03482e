// The door of wire/xml: XML as XMPP restricts it, by offsets (framer, frame) and as a tree (element).

export { type DocumentOptions, frameDocument, isXmlFault } from './document.ts'
export { type AttributeRecord, Element, type Node, xml } from './element.ts'
export { type XmlFamily, type XmlFault, type XmlReason, xmlReasons } from './faults.ts'
export { Frame } from './frame.ts'
export { Framer, type FramerEvent } from './framer.ts'
export { internAscii, sameAscii } from './intern.ts'
export { defaultXmlLimits, type XmlLimits, xmlLimits } from './limits.ts'
export { Namespaces, noNamespaces, xmlNamespace } from './namespaces.ts'
export { childElementOf, elementOf, type Located, parseElement, parseLocated } from './parse.ts'
export { childFrame, missingDeclarations, selfContained, selfContainedChild } from './self-contained.ts'
export { escapeText, escapeValue, isXmlText, serialize, serializeBytes, type WriteOptions } from './write.ts'
