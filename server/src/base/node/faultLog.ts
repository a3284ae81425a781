import { Effect, Runtime } from "effect"
import type { Fault } from "./guarded.ts"

/** Logs an exception of a guarded callback: a bug of ours, which ended one exchange. */
export const faultLog = (message: string): Effect.Effect<Fault> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    return (cause) => void fork(Effect.logError(message, cause))
  })
