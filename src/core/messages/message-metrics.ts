// What the message service counts.
import type { Counter, CounterFamily, Metrics } from '#observe'

export interface MessageMetrics {
  readonly delivered: Counter
  readonly stored: Counter
  readonly refused: CounterFamily
  readonly dropped: Counter
  readonly handedOver: Counter
  readonly reports: Counter
}

export function messageMetrics(metrics: Metrics): MessageMetrics {
  const counter = (name: string, help: string): Counter => metrics.counter({ name, help })
  return {
    delivered: counter('verona_messages_delivered', 'Messages that an agent of the recipient took at once.'),
    stored: counter('verona_messages_stored', 'Messages stored for a recipient whom no agent could serve.'),
    refused: metrics.counterFamily({
      name: 'verona_messages_refused',
      help: 'Messages refused to their sender, by condition.',
      labels: ['condition'],
    }),
    dropped: counter(
      'verona_messages_dropped',
      'Hints and errors that nobody was there for, dropped as their protocol wants.',
    ),
    handedOver: counter('verona_messages_handed_over', 'Stored messages delivered later.'),
    reports: counter('verona_message_reports', 'Late reports sent to the senders of messages.'),
  }
}
