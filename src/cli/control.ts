// What the command line can do to the accounts and contacts of an installation, whether or not its server runs: the management
// API, asked over the control socket of the server, or of a service opened for the moment.
import type { ControlClient } from '#admin'

export type Control = Pick<
  ControlClient,
  | 'addAccount'
  | 'importAccounts'
  | 'accounts'
  | 'setPassword'
  | 'removeAccount'
  | 'forward'
  | 'setForward'
  | 'script'
  | 'setScript'
  | 'removeScript'
  | 'checkScript'
  | 'contacts'
  | 'decide'
  | 'peers'
  | 'peer'
  | 'examinePeer'
  | 'setPeer'
  | 'unsetPeer'
  | 'retryPeer'
  | 'dropPeerQueue'
  | 'status'
>

export interface OpenControl {
  readonly control: Control
  /** True when it is the running server that answers. */
  readonly running: boolean
  close(): Promise<void>
}
