import { HttpApiBuilder } from "@effect/platform"
import { MaxCloudApi, NotReady, type ReadinessCheck } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Readiness } from "../../../operator/readiness/Readiness.ts"

const notReady = (checks: ReadonlyArray<ReadinessCheck>) =>
  new NotReady({
    detail: checks.flatMap((check) => (check.ok || check.message === undefined ? [] : [check.message])).join(" "),
    checks: [...checks]
  })

export const healthHandlers = HttpApiBuilder.group(MaxCloudApi, "health", (handlers) =>
  Effect.gen(function* () {
    const readiness = yield* Readiness
    return handlers
      .handle("healthz", () => Effect.succeed({ status: "ok" as const }))
      .handle("readyz", () =>
        Effect.flatMap(readiness.checks, (checks) =>
          checks.every((check) => check.ok) ? Effect.succeed({ status: "ready" as const, checks }) : notReady(checks)
        )
      )
  })
)
