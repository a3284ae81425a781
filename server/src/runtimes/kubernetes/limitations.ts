import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { defaultMaxTimeoutSeconds } from "@maxcloud/synth"

/** Fields that this runtime may not honour, as warnings: what depends on how Knative is installed. */
export const limitations = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap(({ timeout }, index) =>
    timeout > defaultMaxTimeoutSeconds * 1000
      ? [
          {
            path: ["services", index, "timeout"],
            message: `Knative takes ${defaultMaxTimeoutSeconds} s at most unless its operator has raised max-revision-timeout-seconds (config-defaults)`
          }
        ]
      : []
  )
