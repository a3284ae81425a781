import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, inParameters, MaxCloudApi } from "@maxcloud/sdk/api"
import { Clock, Effect } from "effect"
import { Usage } from "../../../control/usage/Usage.ts"
import { invalidRequest } from "../../http/problems.ts"
import { instantIf } from "./instantOf.ts"

const dayMs = 86_400_000
/** A longer range would read more of the table than one request is worth. */
const longestMs = 400 * dayMs

export const usageHandlers = HttpApiBuilder.group(MaxCloudApi, "usage", (handlers) =>
  Effect.gen(function* () {
    const usage = yield* Usage
    return handlers.handle("read", ({ urlParams }) =>
      Effect.gen(function* () {
        const organization = yield* CurrentOrganization
        const until = (yield* instantIf(urlParams.until, "until")) ?? (yield* Clock.currentTimeMillis)
        const since = (yield* instantIf(urlParams.since)) ?? until - dayMs
        if (since >= until) {
          const message = "The range is empty. Set `since` to a time before `until`."
          return yield* invalidRequest(message, inParameters([{ path: ["since"], message }], "query"))
        }
        if (until - since > longestMs) {
          const message = "The range is longer than 400 days. Ask for a shorter one."
          return yield* invalidRequest(message, inParameters([{ path: ["since"], message }], "query"))
        }
        return yield* usage.read(organization, new Date(since), new Date(until))
      })
    )
  })
)
