import type { AppSpec } from "@maxcloud/config-schema"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { inSpec } from "@maxcloud/sdk/errors"
import type { TenantContext } from "@maxcloud/synth"
import { Effect } from "effect"
import { locatedErrors } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"

/** Fails if no server can deploy the app: its names are too long in total, or Knative would reject it. */
export const refuseImpossible = (loaded: LoadedConfig, spec: AppSpec, tenant: TenantContext) =>
  Effect.gen(function* () {
    const { hostProblems, knativeProblems } = yield* Effect.promise(() => import("@maxcloud/synth"))
    const problems = [...hostProblems(spec, tenant), ...knativeProblems(spec)]
    if (problems.length === 0) return
    return yield* new CommandFailed({
      tag: "InvalidSpec",
      exit: 2,
      message: "this app can't be deployed",
      ...(yield* locatedErrors(loaded, inSpec(problems)))
    })
  })
