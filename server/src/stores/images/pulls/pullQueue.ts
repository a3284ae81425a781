/** A pull that waits for its turn, or has it. */
export interface Queued {
  /** The organization that asked first. */
  readonly organization: string
  readonly registry: string
}

export interface PullLimits {
  /** Concurrent pulls, as long as nobody's first pull has to wait for them. */
  readonly usual: number
  /** The absolute maximum of concurrent pulls. */
  readonly most: number
  readonly ofOrganization: number
  /** Pulls of one organization from one registry, so that a hanging one blocks no other. */
  readonly ofRegistry: number
}

export const pullLimits: PullLimits = { usual: 4, most: 16, ofOrganization: 4, ofRegistry: 2 }

const count = (running: ReadonlyArray<Queued>, isCounted: (_: Queued) => boolean) => running.filter(isCounted).length

const mayStart = (limits: PullLimits, running: ReadonlyArray<Queued>, one: Queued): boolean => {
  const own = running.filter((each) => each.organization === one.organization)
  return (
    running.length < limits.most &&
    (running.length < limits.usual || own.length === 0) &&
    own.length < limits.ofOrganization &&
    count(own, (item) => item.registry === one.registry) < limits.ofRegistry
  )
}

/**
 * Chooses the next pull: of the organization with the fewest pulls in progress, and within it from the registry with the
 * fewest. The longest waiting wins among equals. Undefined if none may start now.
 */
export const nextPull = <A extends Queued>(
  limits: PullLimits,
  running: ReadonlyArray<Queued>,
  waiting: ReadonlyArray<A>
): A | undefined => {
  const weighed = waiting
    .filter((value) => mayStart(limits, running, value))
    .map((one) => {
      const own = running.filter((each) => each.organization === one.organization)
      return { one, own: own.length, sameRegistry: count(own, (item) => item.registry === one.registry) }
    })
  return weighed.sort((a, b) => a.own - b.own || a.sameRegistry - b.sameRegistry)[0]?.one
}
