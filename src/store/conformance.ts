// What every store must do (the contract of #core, and the rules of this folder's README): run by the tests of each.
import { after, before, describe } from 'node:test'
import type { Store } from '#core'
import { accountCases } from './conformance/account-cases.ts'
import { deliveryCases } from './conformance/delivery-cases.ts'
import { historyCases } from './conformance/history-cases.ts'
import { ownedCases } from './conformance/owned-cases.ts'
import { queueCases } from './conformance/queue-cases.ts'
import { serverCases } from './conformance/server-cases.ts'
import { UnderTest } from './conformance/under-test.ts'

/** Runs the suite; `open` gives a new, empty store each time. */
export function conformance(title: string, open: () => Promise<Store>): void {
  describe(`${title} keeps the contract of a store`, () => {
    const under = new UnderTest(open)
    before(() => under.begin())
    after(() => under.store.close())
    accountCases(under)
    ownedCases(under)
    historyCases(under)
    deliveryCases(under)
    queueCases(under)
    serverCases(under)
  })
}
