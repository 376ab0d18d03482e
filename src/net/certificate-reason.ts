// Why a certificate is not accepted, as an operator reads it: OpenSSL's word for it, and what it means where that is worth a sentence.

/** COMPAT: the names that Node gives to OpenSSL's verdicts (X509_V_ERR_*). */
const meanings: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not one of those that are trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not one of those that are trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not one of those that are trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it came without those that lead to an authority',
}

/** `it has expired (CERT_HAS_EXPIRED)` */
export function certificateReason(verdict: string | undefined): string {
  const meaning = meanings[verdict ?? '']
  return meaning === undefined ? (verdict ?? 'no reason is told') : `${meaning} (${verdict})`
}
