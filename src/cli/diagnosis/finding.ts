// What `verona doctor` finds: one sentence of what is so, and where something is wrong one of what to do.

export interface Finding {
  readonly about: string
  /** `notice`: it works, and will not for long or not for everybody. */
  readonly state: 'good' | 'notice' | 'trouble'
  readonly what: string
  readonly remedy?: string
}

export const good = (about: string, what: string): Finding => ({ about, state: 'good', what })
export const notice = (about: string, what: string, remedy: string): Finding => ({
  about,
  state: 'notice',
  what,
  remedy,
})
export const trouble = (about: string, what: string, remedy: string): Finding => ({
  about,
  state: 'trouble',
  what,
  remedy,
})
