import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { version } from "../../base/settings/version.ts"
import { Platform } from "../../runtimes/port/Platform.ts"
import { Runtime } from "../../runtimes/port/Runtime.ts"

export const infoHandlers = HttpApiBuilder.group(MaxCloudApi, "info", (handlers) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const { externalSecrets } = yield* Platform
    return handlers.handle("get", () =>
      Effect.map(CurrentOrganization, ({ name }) => ({
        version,
        runtime: runtime.name,
        organization: name,
        inPlace: runtime.inPlace,
        secretStore: externalSecrets?.store ?? null
      }))
    )
  })
)
