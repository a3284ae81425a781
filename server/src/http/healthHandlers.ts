import { HttpApiBuilder } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"

export const healthHandlers = HttpApiBuilder.group(MaxCloudApi, "health", (handlers) =>
  handlers.handle("healthz", () => Effect.succeed({ status: "ok" as const }))
)
