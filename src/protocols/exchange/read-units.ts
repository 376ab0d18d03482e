// Units off a connection, for as long as its state lets anybody speak there. Hot: every request and response passes here.

export interface UnitSource<Unit> {
  /** Octets held back because their unit is not complete. */
  readonly pendingOctets: number
  next(): Unit | undefined
}

export interface UnitTaker<Unit> {
  /** `securing`: TLS was agreed and its handshake is under way; `over`: nobody is heard any more. Both may come with any unit. */
  readonly state: string
  take(unit: Unit): void
  /** Octets came between the agreement on TLS and its handshake: they are nobody's word. */
  tooEarly(): void
}

export function readUnits<Unit>(source: UnitSource<Unit>, taker: UnitTaker<Unit>): void {
  while (taker.state !== 'over') {
    if (taker.state === 'securing') {
      if (source.pendingOctets > 0) taker.tooEarly()
      return
    }
    const unit = source.next()
    if (unit === undefined) return
    taker.take(unit)
  }
}
