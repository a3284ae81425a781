import type { RevisionTemplate } from "../objects/RevisionTemplate.ts"

/** How long the first instances of a new revision have to stay up before it counts as ready, in milliseconds. */
export interface SettleBounds {
  /** @default 1_200 */
  readonly leastMs: number
  /** @default 3_000 */
  readonly mostMs: number
}

export const defaultSettle: SettleBounds = { leastMs: 1_200, mostMs: 3_000 }

/** A program that is slow to open its port, for example on a busy machine, is just as slow to fail after that. */
const launchShare = 1.5

/**
 * Some programs open their port first and exit up to a second later (`next start` without a build). A source that runs in place
 * counts at once: its editor watches it.
 */
export const settleMsOf = (
  { leastMs, mostMs }: SettleBounds,
  { program }: Pick<RevisionTemplate, "program">,
  launchMs: number
): number =>
  program.kind === "directory" ? 0 : Math.min(mostMs, Math.max(leastMs, Math.round(launchMs * launchShare)))

/** A wait that can be started, cancelled and started again. Without a time to wait, calls `onSettled` at once. */
export interface Settling {
  readonly begin: (ms: number) => void
  readonly end: () => void
}

export const makeSettling = (onSettled: () => void): Settling => {
  let timer: NodeJS.Timeout | undefined
  return {
    begin: (ms) => {
      if (timer !== undefined) return
      if (ms <= 0) return onSettled()
      timer = setTimeout(() => {
        timer = undefined
        onSettled()
      }, ms)
    },
    end: () => {
      clearTimeout(timer)
      timer = undefined
    }
  }
}
