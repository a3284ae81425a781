import type { AppSpec } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { namespaceKeyOf, Platform } from "../../../runtimes/port/Platform.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import type { AppManifests } from "../manifests/appManifests.ts"
import { away } from "../validate/inspectSpec.ts"

/** The runtime's refusals of a spec, from a dry run of its manifests that changes nothing. */
export const tryOut = (target: Target, spec: AppSpec, { app }: AppManifests) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    return yield* runtime
      .dryRun(namespaceKeyOf(target, yield* Platform), spec, app)
      .pipe(
        Effect.catchAll((error) =>
          error.reason === "refused" ? Effect.succeed([{ path: [], message: error.message }]) : away(error.message)
        )
      )
  })
