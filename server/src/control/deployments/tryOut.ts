import { Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Target } from "../../base/words/Target.ts"
import { namespaceKeyOf, Platform, tenantOf } from "../../runtimes/port/Platform.ts"
import { Runtime } from "../../runtimes/port/Runtime.ts"
import type { Inspected } from "./inspectSpec.ts"
import { synthesis } from "./synthesis.ts"
import { inTurns } from "./turns.ts"

/** The runtime's refusals of a spec, by a dry run of its manifests: nothing is changed. */
export const tryOut = (target: Target, { generates, images, secretVersions, spec }: Inspected) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const platform = yield* Platform
    const { synthInTurns, unmadeVersion } = yield* synthesis
    const versions = new Map([
      ...secretVersions,
      ...[...generates.keys()].map((name) => [name, unmadeVersion] as const)
    ])
    const place = { organization: target.organization.name, app: target.app, stage: target.stage }
    const tenant = tenantOf(place, platform, { secretVersions: versions, images })
    const manifests = yield* inTurns(() => synthInTurns(spec, tenant))
    return yield* runtime
      .dryRun(namespaceKeyOf(target, platform), spec, manifests)
      .pipe(
        Effect.catchAll((error) =>
          error.reason === "refused"
            ? Effect.succeed([{ path: [], message: error.message }])
            : new Unavailable({ detail: error.message, retryAfterSeconds: 2 })
        )
      )
  })
