// A person's inbox: the agents signed in to it, of any protocol, and the choice among them (RFC 2778 §2.2, RFC 6121 §8.5).
import type { Head } from '#model'
import type { InboxAgent } from '../agents.ts'

/** LIMIT: agents signed in to one inbox at a time, over all protocols. */
export const inboxAgentsMax = 64

export class Inbox {
  readonly agents: InboxAgent[] = []

  /** Signs an agent in; false when the inbox has too many. The protocol has made its id unique. */
  attach(agent: InboxAgent): boolean {
    if (this.agents.length >= inboxAgentsMax) return false
    this.agents.push(agent)
    return true
  }

  detach(agent: InboxAgent): void {
    const at = this.agents.indexOf(agent)
    if (at >= 0) this.agents.splice(at, 1)
  }

  find(protocol: string, id: string): InboxAgent | undefined {
    for (const agent of this.agents) if (agent.protocol === protocol && agent.id === id) return agent
    return undefined
  }

  /** The agent of any protocol with this id: an address with a device part names one device, not one protocol. */
  named(id: string): InboxAgent | undefined {
    for (const agent of this.agents) if (agent.id === id) return agent
    return undefined
  }

  /**
   * The agents to offer a message to: all that take messages (RFC 6121 §8.5.2.1.1 lets us choose "all non-negative"). Where one
   * is named and there, it and those that want copies; `gone` when it isn't there and the sender wants no other.
   */
  choose(head: Head): readonly InboxAgent[] | 'gone' {
    const agents = this.agents
    if (head.toAgent !== '') {
      const named = this.named(head.toAgent)
      if (named !== undefined) {
        if (agents.length === 1 || !head.copyable) return [named]
        return agents.filter(
          (agent) => agent === named || (wantsCopies(agent) && agent.wantsCopyOf?.(named) !== false),
        )
      }
      if (head.whenAgentGone !== 'inbox') return 'gone'
    }
    for (let i = 0; i < agents.length; i++) {
      if (!(agents[i] as InboxAgent).capabilities.messages)
        return agents.filter((agent) => agent.capabilities.messages)
    }
    return agents
  }
}

const wantsCopies = ({ capabilities }: InboxAgent): boolean =>
  capabilities.receivedCopies && capabilities.messages
