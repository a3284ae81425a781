/** So many redeployments in equal distances are a loop: the app writes the file each time it starts. */
const regularCount = 7
/** This many redeployments within a minute are a loop, regular or not. */
const manyCount = 12
const manyMs = 60_000
/** A file that was held back counts again when it has been left alone for this long; the second time it's held back to the end. */
const quietMs = 15_000

interface Seen {
  /** When it led to a redeployment. */
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
 * Ends loops: an app that writes into its own source would be redeployed for ever. People save at irregular times, an app writes as
 * long after its start as the last time.
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
