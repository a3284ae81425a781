import { Effect, Runtime } from "effect"
import type { Fault } from "./guarded.ts"

/** Logs what a guarded callback threw: a mistake of ours, that ended one exchange. */
export const faultLog = (message: string): Effect.Effect<Fault> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    return (cause) => void fork(Effect.logError(message, cause))
  })
