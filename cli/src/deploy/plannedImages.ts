import type { ServiceName } from "@maxcloud/config-schema"
import type { Plan } from "@maxcloud/sdk/api"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { specIssueOf } from "@maxcloud/sdk/errors"
import { Effect } from "effect"
import type { BuildSettings } from "../build/buildFlags.ts"
import type { Cloud } from "../client.ts"
import { isPushed } from "../push/pushToRegistry.ts"
import { sourceImages, withImages } from "./sourceImages.ts"

/** A plan doesn't wait for a registry: a deploy does. */
const patience = "5 seconds"

/** The app as a plan sees it: with the images of unchanged sources. Builds and pushes nothing. */
export const plannedImages = (cloud: Cloud, loaded: LoadedConfig, settings: BuildSettings) =>
  Effect.gen(function* () {
    const wanted = yield* sourceImages(cloud, loaded, settings)
    if (wanted === undefined) return { app: loaded, wanted, settled: (plan: Plan) => plan }
    const { host, images, repository } = wanted
    const digests = new Map<ServiceName, string>()
    for (const { known, services } of images) {
      if (known === undefined) continue
      // Who plans may not be allowed to push, and then can't ask.
      const isThere = yield* isPushed({ cloud, host, repository, digest: known }).pipe(
        Effect.timeout(patience),
        Effect.orElseSucceed(() => true)
      )
      if (isThere) for (const service of services) digests.set(service, known)
    }
    /** Without the server's objections to sources that get an image before the deploy. */
    const settled = (plan: Plan): Plan => ({
      ...plan,
      problems: plan.problems.filter((problem) => {
        const [first, , field] = specIssueOf(problem).path
        return first !== "services" || field !== "source" || !problem.detail.startsWith("BuilderMissing")
      })
    })
    return { app: yield* withImages(loaded, wanted, digests), wanted, settled }
  })
