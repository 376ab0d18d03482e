// A script of a subscription in one domain as one between two: what is told on the way may be more, and comes when it comes.
import type { Script } from './script.ts'

type Step = Script['steps'][number]

/** Answers of a server; everything else is told unasked. */
const response = /^(OK |ERROR |SIP\/2\.0 |PRIM-(PR|IM)\/1\.0 |<ok |<error )|<reply /

/** A watcher by SIP is told every five seconds (decision 0099), and so is the other domain. */
const pause: Step = { line: 0, who: '', what: 'time passes 6 seconds', block: '' }

/** Nobody is told that a request has come; on a busy machine that takes several rounds. */
const longPause: Step = { ...pause, what: 'time passes 60 seconds' }

export function seenFromAfar(script: Script): Script {
  const steps = script.steps.flatMap((step, at): readonly Step[] => {
    const { who, what, block } = step
    // What is asked has to come there before it is answered, and what is said before it is seen.
    if (/^juliet@\S+ (approves|refuses)/.test(what)) return [longPause, step]
    if (who === 'Juliet' && what === 'sends') return [pause, step]
    // Who looks away ends a subscription, and no authorization (RFC 8048 §5).
    if (who === 'Juliet' && /type='unsubscribe'\/>|<item jid='romeo@[^']*' subscription='none'/.test(block))
      return []
    if (who !== 'Romeo') return [step]
    if (what.startsWith('answers') && isPush(script.steps[at - 1])) return []
    if (what === 'receives in any order') return pushesOf(step)
    // A contact that is taken off the roster goes out of sight, before the push or behind it.
    if (what === 'receives nothing' && isXmpp(script)) return []
    if (what !== 'receives' || response.test(block)) return [step]
    const next = script.steps[at + 1]
    // Where a device goes and another word takes its place there is one tuple, which changes.
    if (isGoodbye(block) && next?.who === who && isGoodbye(next.block)) return []
    const answer = next?.who === who && next.what.startsWith('answers') ? `, ${next.what}` : ''
    return [{ ...step, what: `receives at last${answer}`, block: anyName(block) }]
  })
  return { ...script, steps }
}

function isGoodbye(block: string): boolean {
  return /^<presence from='[^']*\/[^']*' type='unavailable'/.test(block)
}

function isXmpp({ parties }: Script): boolean {
  return parties.find(({ name }) => name === 'Romeo')?.protocol === 'xmpp'
}

function isPush(step: Step | undefined): boolean {
  return step?.what === 'receives' && !response.test(step.block)
}

/** Of what comes together that which is no presence. */
function pushesOf(step: Step): readonly Step[] {
  return step.block
    .split('\n')
    .filter((line) => !line.startsWith('<presence') || line.includes("type='subscribed'"))
    .map((line) => ({ ...step, what: 'receives at last', block: line }))
}

/** What a device is called in the other domain is that domain's, or nobody's. */
function anyName(block: string): string {
  return (
    block
      // PIDF has no word for what is said with a goodbye: a device that is gone is not in it.
      .replace(/(balcony' type='unavailable')><status>asleep<\/status><\/presence>/, '$1/>')
      .replaceAll(/(from='[^'/]*)\/[^']*'/g, "$1/*'")
      .replaceAll('id="*balcony*"', 'id="*"')
      .replaceAll('expires=600', 'expires=*')
  )
}
