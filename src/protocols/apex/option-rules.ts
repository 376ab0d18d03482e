// Which options of data are obeyed by this relay (RFC 3340 §5, RFC 3342): where they apply, and what is wrong with those that must be.

import { type BeepError, beepError } from '#protocols/beep'
import {
  type ApexOption,
  type Data,
  type DataHopping,
  type DataTiming,
  dataHoppingOf,
  dataTimingOf,
  type Party,
} from './codec/index.ts'

type Place = 'data' | 'originator' | 'recipient'

/** Where each registered option may stand (RFC 3340 §8.4, RFC 3342 §5). */
const places: Readonly<Record<string, readonly Place[]>> = {
  statusRequest: ['data', 'recipient'],
  dataTiming: ['data'],
  hold4Endpoint: ['data'],
  dataHopping: ['data'],
}

/** What is to be done for one recipient. */
export interface Wishes {
  /** transID of each statusRequest that is for this relay. */
  readonly statusRequests: readonly number[]
  readonly timing: { readonly option: ApexOption; readonly value: DataTiming } | undefined
  readonly hopping: { readonly option: ApexOption; readonly value: DataHopping } | undefined
  readonly hold: boolean
}

const noWishes: Wishes = { statusRequests: [], timing: undefined, hopping: undefined, hold: false }

/** §5: `final` applies where this relay hands the data to the recipient itself. */
function applies({ targetHop }: ApexOption, isFinal: boolean): boolean {
  return targetHop !== 'final' || isFinal
}

function isKnown({ name, isRegistered }: ApexOption, place: Place): boolean {
  return isRegistered && (places[name]?.includes(place) ?? false)
}

/** Why the data can't be taken at all: the error for options of the data or its originator. */
export function optionFault({ options, originator }: Data, isFinal: boolean): BeepError | undefined {
  for (const option of options) {
    const fault = faultOf(option, 'data', isFinal)
    if (fault !== undefined) return fault
  }
  for (const option of originator.options) {
    const fault = faultOf(option, 'originator', isFinal)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Why one recipient can't be served. */
export function recipientFault({ options }: Party, isFinal: boolean): BeepError | undefined {
  for (const option of options) {
    const fault = faultOf(option, 'recipient', isFinal)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultOf(option: ApexOption, place: Place, isFinal: boolean): BeepError | undefined {
  if (!applies(option, isFinal)) return undefined
  if (!isKnown(option, place))
    return option.mustUnderstand ? beepError(504, `option ${option.name} is not understood here`) : undefined
  if (option.name === 'statusRequest' && option.transId === undefined)
    return beepError(501, 'statusRequest needs a transID')
  if (option.name === 'dataTiming' && (dataTimingOf(option) === undefined || option.transId === undefined))
    return beepError(501, 'dataTiming is not readable')
  if (option.name === 'dataHopping' && (dataHoppingOf(option) === undefined || option.transId === undefined))
    return beepError(501, 'dataHopping is not readable')
  return undefined
}

/** What the options want for one recipient; those of the data first. */
export function wishesOf(data: Data, recipient: Party, isFinal: boolean): Wishes {
  if (data.options.length === 0 && recipient.options.length === 0) return noWishes
  const own = data.options.filter((option) => isKnown(option, 'data') && applies(option, isFinal))
  const theirs = recipient.options.filter(
    (option) => isKnown(option, 'recipient') && applies(option, isFinal),
  )
  // §5.1: data that carries a statusResponse may not ask for one.
  const isReport = data.inline?.name === 'statusResponse'
  const requests = [...own, ...theirs].filter(({ name }) => name === 'statusRequest')
  const timing = own.find(({ name }) => name === 'dataTiming')
  const hopping = own.find(({ name }) => name === 'dataHopping')
  const timingValue = timing && dataTimingOf(timing)
  const hoppingValue = hopping && dataHoppingOf(hopping)
  return {
    statusRequests: isReport ? [] : requests.map(({ transId }) => transId as number),
    timing: timing && timingValue && { option: timing, value: timingValue },
    hopping: hopping && hoppingValue && { option: hopping, value: hoppingValue },
    hold: own.some(({ name }) => name === 'hold4Endpoint'),
  }
}
