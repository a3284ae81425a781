import { Effect } from "effect"
import type { BuiltSource, SourceError } from "./SourceStore.ts"
import type { Attempt } from "./sourceErrors.ts"

/** A running build. Everybody who needs it waits for this one, and it stops when the last of them leaves. */
interface Making {
  readonly made: Promise<BuiltSource>
  readonly told: Set<(line: string) => void>
  readonly unwanted: AbortController
  readonly fresh: boolean
  waiting: number
}

type Make = (progress: (line: string) => void, ending: AbortSignal) => Promise<BuiltSource>

/** The running builds, by the path of their result. */
export const makeSharedBuilds = (attempt: Attempt) => {
  const inMaking = new Map<string, Making>()
  const ending = new AbortController()

  const begin = (place: string, fresh: boolean, make: Make): Making => {
    const told: Making["told"] = new Set()
    const unwanted = new AbortController()
    const tell = (line: string) => {
      for (const one of told) one(line)
    }
    const end = AbortSignal.any([ending.signal, unwanted.signal])
    const made = make(tell, end).finally(() => inMaking.delete(place))
    const making: Making = { made, told, unwanted, fresh, waiting: 0 }
    inMaking.set(place, making)
    return making
  }

  const waitFor = (making: Making, progress: ((line: string) => void) | undefined) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        making.waiting++
        if (progress !== undefined) making.told.add(progress)
      }),
      () => attempt(() => making.made),
      () =>
        Effect.sync(() => {
          making.waiting--
          if (progress !== undefined) making.told.delete(progress)
          if (making.waiting === 0) making.unwanted.abort()
        })
    )

  return {
    has: (place: string): boolean => inMaking.has(place),
    /**
     * Waits for the build of this place, or starts one if none is running. `fresh`: joins only a build that was started
     * as `fresh`.
     */
    wait: (
      place: string,
      fresh: boolean,
      make: Make,
      progress: ((line: string) => void) | undefined
    ): Effect.Effect<BuiltSource, SourceError> =>
      Effect.gen(function* () {
        for (;;) {
          const known = inMaking.get(place)
          const answers = known?.unwanted.signal.aborted !== true && (!fresh || known?.fresh !== false)
          if (answers) return yield* waitFor(known ?? begin(place, fresh, make), progress)
          // It's stopping because nobody wanted it, or it may reuse existing files: wait for its end, then start
          // another.
          yield* Effect.promise(() => Promise.allSettled([known.made]))
        }
      }),
    endAll: Effect.promise(() => {
      ending.abort()
      return Promise.allSettled([...inMaking.values()].map((each) => each.made))
    })
  }
}
