/** This many redeployments at regular intervals are a loop: the app writes the file each time it starts. */
const regularCount = 7
/** This many redeployments within a minute are a loop, regular or not. */
const manyCount = 12
const manyMs = 60_000
/** A held-back file counts again once it hasn't changed for this long. The second time, it stays held back. */
const quietMs = 15_000

interface Seen {
  /** The times of the redeployments that it caused. */
  readonly times: Array<number>
  last: number
  held: boolean
  holds: number
}

export interface Held {
  readonly file: string
  readonly redeployments: number
  readonly milliseconds: number
}

const isRegular = (times: ReadonlyArray<number>): boolean => {
  const latest = times.slice(-regularCount)
  if (latest.length < regularCount) return false
  const gaps = latest.slice(1).map((time, index) => time - (latest[index] ?? time))
  return Math.max(...gaps) <= 1.25 * Math.min(...gaps) + 750
}

const isLoop = (times: ReadonlyArray<number>): boolean => {
  const first = times.at(-manyCount)
  return isRegular(times) || (first !== undefined && (times.at(-1) ?? 0) - first <= manyMs)
}

/**
 * Breaks loops: an app that writes into its own source would be redeployed forever. People save at irregular intervals, but an app writes
 * the same time after each start.
 */
export const makeBrake = (now: () => number = () => performance.now()) => {
  const files = new Map<string, Seen>()
  return {
    /** Splits these changed files into those that may trigger a redeployment, and those that are held back from now on. */
    pass: (
      changed: Iterable<string>
    ): { readonly passed: ReadonlyArray<string>; readonly held: ReadonlyArray<Held> } => {
      const passed: Array<string> = []
      const held: Array<Held> = []
      for (const file of changed) {
        const time = now()
        const seen = files.get(file) ?? { times: [], last: time, held: false, holds: 0 }
        files.set(file, seen)
        if (seen.held && seen.holds < 2 && time - seen.last >= quietMs) {
          seen.held = false
          seen.times.length = 0
        }
        seen.last = time
        if (seen.held) continue
        seen.times.push(time)
        if (seen.times.length > manyCount) seen.times.shift()
        if (!isLoop(seen.times)) {
          passed.push(file)
          continue
        }
        seen.held = true
        seen.holds++
        held.push({ file, redeployments: seen.times.length - 1, milliseconds: time - (seen.times[0] ?? time) })
      }
      return { passed, held }
    }
  }
}
