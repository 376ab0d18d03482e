// The life of a session, a row a rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SessionInput, type SessionState, sessionStep } from './session-machine.ts'

const message: SessionInput = { kind: 'message', isFull: false }
const tooMany: SessionInput = { kind: 'message', isFull: true }

/** [rule, state, input, next state, effects] */
const rows: [string, SessionState, SessionInput, SessionState, string][] = [
  ['messages wait while the INVITE runs', 'offering', message, 'offering', 'queue'],
  ['and no more than so many', 'offering', tooMany, 'offering', 'refuse-full'],
  [
    'the answer lets them go, and the offerer opens',
    'offering',
    { kind: 'answered', isOpener: true },
    'up',
    'open-stream carry-waiting',
  ],
  [
    'or waits for the other to open',
    'offering',
    { kind: 'answered', isOpener: false },
    'up',
    'carry-waiting',
  ],
  [
    'an answer without messages is the end, with BYE',
    'offering',
    { kind: 'answered-amiss' },
    'over',
    'refuse-waiting end-call',
  ],
  [
    'a refusal (488, 603) is told to those who wait',
    'offering',
    { kind: 'refused' },
    'over',
    'refuse-waiting',
  ],
  [
    'silence too, and the INVITE is cancelled',
    'offering',
    { kind: 'late' },
    'over',
    'end-call refuse-waiting',
  ],
  [
    'the server stops: they are given back',
    'offering',
    { kind: 'stop' },
    'over',
    'end-call give-back-waiting',
  ],
  ['an idle moment is none while it waits', 'offering', { kind: 'idle' }, 'offering', ''],
  ['their offer is taken once its place is known', 'placing', { kind: 'placed' }, 'accepting', 'accept'],
  ['and refused where it will not do', 'placing', { kind: 'misplaced' }, 'over', 'refuse give-back-waiting'],
  ['or they cancel it before', 'placing', { kind: 'refused' }, 'over', 'give-back-waiting'],
  ['ours wait meanwhile', 'placing', message, 'placing', 'queue'],
  ['and until the ACK', 'accepting', message, 'accepting', 'queue'],
  ['the ACK lets them go', 'accepting', { kind: 'acknowledged', isOpener: false }, 'up', 'carry-waiting'],
  [
    'the answerer opens where the offerer is passive',
    'accepting',
    { kind: 'acknowledged', isOpener: true },
    'up',
    'open-stream carry-waiting',
  ],
  ['without an ACK it is over', 'accepting', { kind: 'bye' }, 'over', 'give-back-waiting'],
  ['a message goes', 'up', message, 'up', 'carry'],
  ['an ACK of a re-INVITE changes nothing', 'up', { kind: 'acknowledged', isOpener: true }, 'up', ''],
  ['a re-INVITE is answered', 'up', { kind: 'offered-again' }, 'up', 'answer-again'],
  [
    'one that takes the messages out is answered so, and is the end',
    'up',
    { kind: 'withdrawn' },
    'over',
    'answer-none end-call give-back-waiting',
  ],
  ['their BYE', 'up', { kind: 'bye' }, 'over', 'give-back-waiting'],
  ['ours, when nothing is said for long', 'up', { kind: 'idle' }, 'over', 'end-call give-back-waiting'],
  ['ours, when the stream is cut', 'up', { kind: 'cut' }, 'over', 'end-call give-back-waiting'],
  ['ours, when the server stops', 'up', { kind: 'stop' }, 'over', 'end-call give-back-waiting'],
  ['a late answer finds nobody waiting', 'up', { kind: 'late' }, 'up', ''],
  ['what is over takes no message', 'over', message, 'over', 'refuse-over'],
  ['and hears nothing more', 'over', { kind: 'bye' }, 'over', ''],
]

for (const [rule, state, input, next, effects] of rows)
  test(`${state}, ${input.kind}: ${rule}`, () =>
    assert.deepEqual(sessionStep(state, input), {
      state: next,
      effects: effects === '' ? [] : effects.split(' '),
    }))
