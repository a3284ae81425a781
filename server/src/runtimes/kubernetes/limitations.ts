import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { defaultMaxTimeoutSeconds } from "@maxcloud/synth"

/** Warnings about fields that this runtime may not honour, depending on how Knative is installed. */
export const limitations = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap(({ timeout }, index) =>
    timeout > defaultMaxTimeoutSeconds * 1000
      ? [
          {
            path: ["services", index, "timeout"],
            message: `Knative allows at most ${defaultMaxTimeoutSeconds} s, unless its operator has raised max-revision-timeout-seconds (config-defaults)`
          }
        ]
      : []
  )
