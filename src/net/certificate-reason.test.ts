import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateReason } from './certificate-reason.ts'

const rows: readonly [string | undefined, string][] = [
  ['CERT_HAS_EXPIRED', 'it has expired (CERT_HAS_EXPIRED)'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is signed by itself (DEPTH_ZERO_SELF_SIGNED_CERT)'],
  ['CERT_SIGNATURE_FAILURE', 'CERT_SIGNATURE_FAILURE'],
  [undefined, 'no reason is told'],
]

for (const [verdict, told] of rows)
  test(`a certificate with the verdict ${verdict} is told of as "${told}"`, () => {
    assert.equal(certificateReason(verdict), told)
  })
