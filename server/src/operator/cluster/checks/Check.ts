import { Effect } from "effect"
import type { KubeApi, KubeError } from "../../../runtimes/kubeApi/KubeApi.ts"
import type { ClusterProblem } from "../ClusterProblem.ts"

/** A missing or wrong part, and its fix. */
export interface Fault {
  readonly message: string
  readonly fix: string
}

/** What a check found, in the order of `maxcloud cluster check`. */
export interface CheckResult {
  readonly name: string
  /** `skipped`: it can't be known, because something that it needs has failed. */
  readonly result: "ok" | "failed" | "skipped"
  /** What is there, what is wrong, or why it was skipped. */
  readonly message: string
  /** A command or an edit; null if nothing is wrong. */
  readonly fix: string | null
}

/** One prerequisite, tried by using it. */
export interface Check {
  readonly name: string
  /** What it shows when it passes. */
  readonly shows: string
  /** Names of checks that must have passed. @default none */
  readonly needs?: ReadonlyArray<string>
  /** undefined: all is well. */
  readonly run: Effect.Effect<Fault | undefined, KubeError | ClusterProblem, KubeApi>
}

const faultOf = (error: KubeError | ClusterProblem): Fault => ({
  message: error.message,
  fix:
    error._tag === "ClusterProblem"
      ? error.fix
      : error.reason === "forbidden" || error.reason === "unauthorized"
        ? "use a kubeconfig of a cluster administrator"
        : "check that the API server is up and reachable from here, and run it again"
})

/** Runs checks in order, and skips those that need a failed one. A check that can't be carried out has failed. */
export const runChecks = (checks: ReadonlyArray<Check>) =>
  Effect.gen(function* () {
    const results = new Map<string, CheckResult>()
    for (const { name, needs = [], run, shows } of checks) {
      const missing = needs.find((need) => results.get(need)?.result !== "ok")
      if (missing !== undefined) {
        results.set(name, { name, result: "skipped", message: `needs the check "${missing}"`, fix: null })
        continue
      }
      const fault = yield* Effect.catchAll(run, (error) => Effect.succeed(faultOf(error)))
      results.set(
        name,
        fault === undefined
          ? { name, result: "ok", message: shows, fix: null }
          : { name, result: "failed", message: fault.message, fix: fault.fix }
      )
    }
    return [...results.values()]
  })
